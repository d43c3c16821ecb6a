/**
 * A snapshot of a bus: its event types with the JSON Schema of their data, and its handlers. As a file in the repository, it
 * records what is in production, so that a change can be compared with it before the deploy.
 */
import { z } from 'zod'
import { detailsOf } from '../events/event-details.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import type { Registry } from '../handlers/registry.ts'
import { byText, jsonSchemaOf, type JsonSchema } from './json-schema.ts'

const names = z.array(z.string())
const jsonSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())]) as z.ZodType<JsonSchema>

const snapshotSchema = z.strictObject({
  /** The version of the file format. */
  snapshot: z.literal(1),
  eventTypes: z.array(
    z.strictObject({
      name: z.string(),
      previousNames: names,
      version: z.int(),
      /** The versions that have an upcast. */
      upcasts: z.array(z.int()),
      /** `null`: the schema library offers no JSON Schema. */
      schema: jsonSchema.nullable(),
    }),
  ),
  handlers: z.array(
    z.strictObject({
      name: z.string(),
      previousNames: names,
      queue: z.string(),
      on: z.array(
        z.union([z.strictObject({ type: z.string(), version: z.int() }), z.strictObject({ pattern: z.string() })]),
      ),
    }),
  ),
})

export type TypesSnapshot = z.output<typeof snapshotSchema>
export type EventTypeSnapshot = TypesSnapshot['eventTypes'][number]
export type HandlerSnapshot = TypesSnapshot['handlers'][number]

/** Makes a snapshot, sorted by name and version, so that the same code gives the same snapshot even if its imports change their order. */
export function snapshotOf({ eventTypes, handlers }: Registry): TypesSnapshot {
  return {
    snapshot: 1,
    eventTypes: eventTypes
      .map(eventTypeOf)
      .toSorted((one, other) => byText(one.name, other.name) || one.version - other.version),
    handlers: handlers.map(handlerOf).toSorted((one, other) => byText(one.name, other.name)),
  }
}

export function snapshotText(snapshot: TypesSnapshot): string {
  return `${JSON.stringify(snapshot, null, 2)}\n`
}

/** @throws {PostbusError} `POSTBUS_INVALID_SNAPSHOT` when the text is not a snapshot, or has a format that this version does not know. */
export function parseSnapshot(text: string, file: string): TypesSnapshot {
  const parsed = snapshotSchema.safeParse(jsonIn(text, file))
  if (parsed.success) return parsed.data
  throw invalid(file, z.prettifyError(parsed.error))
}

function jsonIn(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(file, 'it is not JSON.', cause)
  }
}

function eventTypeOf(eventType: AnyEventType): EventTypeSnapshot {
  const { type, version, previousNames } = eventType
  const { schema, upcasts } = detailsOf(eventType)
  return {
    name: type,
    previousNames: [...previousNames],
    version,
    upcasts: Object.keys(upcasts).map(Number),
    schema: jsonSchemaOf(schema),
  }
}

function handlerOf({ name, previousNames, options, subscriptions }: AnyHandler): HandlerSnapshot {
  return {
    name,
    previousNames: [...previousNames],
    queue: options.queue,
    on: subscriptions.map((one) =>
      one.is === 'pattern' ? { pattern: one.text } : { type: one.type, version: one.version },
    ),
  }
}

function invalid(file: string, problem: string, cause?: unknown): PostbusError {
  const mend = 'Expected what this wrote: npx postbus types snapshot'
  return new PostbusError('POSTBUS_INVALID_SNAPSHOT', `${file}: ${problem}\n${mend}`, { cause })
}
