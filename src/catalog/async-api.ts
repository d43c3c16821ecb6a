/**
 * A catalog as an AsyncAPI 3.1 document, which other tools draw, search and generate code from. A channel is an event type, and a message is one
 * of its versions. An operation is what one module does: it publishes an event type (`send`), or one of its handlers gets it (`receive`).
 */
import { detailsOf } from '../events/event-details.ts'
import { describedSchemaOf, type JsonSchema } from '../evolution/json-schema.ts'
import type { Catalog, CatalogEntry, CatalogHandler } from './catalog.ts'

export interface AsyncApiInfo {
  readonly title: string
  /** The version of what is described, not of AsyncAPI. */
  readonly version: string
}

/** A JSON document of the AsyncAPI specification, version 3.1.0. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.1.0'
  readonly info: AsyncApiInfo
  readonly defaultContentType: 'application/json'
  readonly channels: Readonly<Record<string, object>>
  readonly operations: Readonly<Record<string, object>>
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>
}

const DRAFT_7 = 'application/schema+json;version=draft-07'

/** The fields around the data of every event. */
const ENVELOPE = {
  type: 'object',
  required: ['id', 'type', 'version', 'occurredAt', 'correlationId'],
  properties: {
    id: { type: 'string', format: 'uuid', description: 'An id that is stored already is not published again.' },
    type: { type: 'string', description: 'The name of the event type.' },
    version: { type: 'integer', minimum: 1 },
    partitionKey: {
      type: ['string', 'null'],
      description: 'Events with equal keys are handled in order, per handler.',
    },
    correlationId: { type: 'string', description: 'The chain of events that this one belongs to.' },
    causationId: { type: ['string', 'null'], description: 'The event whose handler published this one.' },
    occurredAt: { type: 'string', format: 'date-time' },
    source: { type: ['string', 'null'], description: 'The program that published it.' },
    metadata: { type: 'object' },
  },
}

export function asyncApiOf({ entries }: Catalog, info: AsyncApiInfo): AsyncApiDocument {
  const byType = Map.groupBy(entries, ({ type }) => type.type)
  return {
    asyncapi: '3.1.0',
    info,
    defaultContentType: 'application/json',
    channels: Object.fromEntries([...byType].map(([name, versions]) => [name, channelOf(name, versions)])),
    operations: Object.fromEntries([...byType].flatMap(([name, versions]) => operationsOf(name, versions))),
    components: {
      messages: Object.fromEntries(entries.map((entry) => [keyOf(entry), messageOf(entry)])),
      schemas: { envelope: ENVELOPE },
    },
  }
}

function channelOf(name: string, versions: readonly CatalogEntry[]): object {
  const messages = versions.map((entry) => [versionOf(entry), { $ref: `#/components/messages/${keyOf(entry)}` }])
  return { address: name, messages: Object.fromEntries(messages) as object, tags: [{ name: versions[0]!.module }] }
}

function operationsOf(name: string, versions: readonly CatalogEntry[]): readonly (readonly [string, object])[] {
  const publishing = [
    `${name}.publish`,
    {
      action: 'send',
      ...placeOf(name, versions),
      summary: `${versions[0]!.module} publishes it`,
      tags: [{ name: versions[0]!.module }],
    },
  ] as const
  const handlers = new Map(versions.flatMap((entry) => entry.handlers).map((handler) => [handler.handler, handler]))
  const receiving = [...handlers.values()].map((handler) => {
    const listening = versions.filter((entry) => entry.handlers.some((one) => one.handler === handler.handler))
    return [`${name}.${handler.handler}`, receivingOf(handler, name, listening)] as const
  })
  return [publishing, ...receiving]
}

function receivingOf(handler: CatalogHandler, name: string, listening: readonly CatalogEntry[]): object {
  return {
    action: 'receive',
    ...placeOf(name, listening),
    title: handler.handler,
    summary: `${handler.handler} handles it`,
    tags: [{ name: handler.module }],
    'x-postbus-handler': {
      name: handler.handler,
      listensTo: handler.listensTo,
      queue: handler.queue,
      delivery: handler.options.delivery,
      maxAttempts: handler.options.maxAttempts,
    },
  }
}

function placeOf(name: string, versions: readonly CatalogEntry[]): object {
  const messages = versions.map((entry) => ({ $ref: `#/channels/${name}/messages/${versionOf(entry)}` }))
  return { channel: { $ref: `#/channels/${name}` }, messages }
}

function messageOf(entry: CatalogEntry): object {
  const { type, version, previousNames } = entry.type
  const schema = describedSchemaOf(detailsOf(entry.type).schema)
  const at = `#/components/messages/${keyOf(entry)}/payload/schema`
  return {
    name: type,
    title: `${type} v${version}`,
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/envelope' },
    correlationId: { location: '$message.header#/correlationId' },
    payload: schema === null ? {} : { schemaFormat: DRAFT_7, schema: within(schema, at) },
    tags: [{ name: entry.module }],
    ...(previousNames.length > 0 && { 'x-postbus-previous-names': previousNames }),
  }
}

/** A reference in a schema begins at the schema's own root. In this document that root is at `at`, so `at` goes before the reference. */
function within(schema: JsonSchema, at: string): unknown {
  if (Array.isArray(schema)) return schema.map((one: JsonSchema) => within(one, at))
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => keyword !== '$schema' && keyword !== '~standard')
      .map(([keyword, value]) => {
        const isReference = keyword === '$ref' && typeof value === 'string' && value.startsWith('#')
        return [keyword, isReference ? at + value.slice(1) : within(value as JsonSchema, at)]
      }),
  )
}

function keyOf({ type }: CatalogEntry): string {
  return `${type.type}.v${type.version}`
}

function versionOf({ type }: CatalogEntry): string {
  return `v${type.version}`
}
