/**
 * Creates the stream, and finds its last event. The stream's description names the database from which it is filled, and the number of its partitions.
 * A stream of another database is refused.
 */
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { decodeMessage } from './log-message.ts'
import { logSubjects } from './stream-names.ts'

export interface StreamSettings {
  readonly stream: string
  readonly partitions: number
  readonly replicas: number
  /** How long messages stay, in milliseconds. */
  readonly maxAgeMs: number
  /** The largest size of the stream, in bytes. `null`: no limit. */
  readonly maxBytes: number | null
}

/** The place where the relay continues. */
export interface StreamEnd {
  readonly created: string
  /** The sequence of the last message, even if that message is deleted. */
  readonly sequence: number
  /** The number of the last event. `null`: there is none. */
  readonly number: number | null
}

/** How long the server remembers the ids of messages. */
const DUPLICATES_MS = 120_000

const description = z.object({ postbus: z.object({ database: z.string(), partitions: z.int().min(1) }) })

/**
 * Returns the end of the stream. Creates the stream if it does not exist. If it has another number of partitions, deletes it and creates it again.
 *
 * @throws {PostbusError} `POSTBUS_BROKER_SETUP`.
 */
export async function streamEnd(
  manager: JetStreamManager,
  settings: StreamSettings,
  database: string,
): Promise<StreamEnd> {
  const { stream, partitions } = settings
  const found = await checkedInfo(manager, stream, database)
  const info = found ?? (await manager.streams.add(newStream(settings, database)))
  const owner = ownerOf(info)
  if (owner === null) await manager.streams.update(stream, { description: describe(database, partitions) })
  else if (owner.partitions !== partitions) return recreated(manager, settings, database)
  return endOf(manager, settings, info)
}

/**
 * Deletes the stream, and creates it again with the same configuration.
 *
 * @throws {PostbusError} `POSTBUS_BROKER_SETUP`.
 */
export async function recreated(
  manager: JetStreamManager,
  settings: StreamSettings,
  database: string,
): Promise<StreamEnd> {
  const { stream, partitions } = settings
  const old = await checkedInfo(manager, stream, database)
  if (old) await manager.streams.delete(stream)
  const config = old ? { ...old.config, description: describe(database, partitions) } : newStream(settings, database)
  return endOf(manager, settings, await manager.streams.add(config))
}

/** Returns `null` if the stream does not exist. Throws if it belongs to another database, or has a configuration that does not work. */
async function checkedInfo(manager: JetStreamManager, stream: string, database: string): Promise<StreamInfo | null> {
  const info = await infoOf(manager, stream)
  if (info === null) return null
  checkConfig(info.config)
  const owner = ownerOf(info)
  if (owner === null && info.state.messages > 0) throw setup(stream, 'contains messages that Postbus did not write.')
  if (owner !== null && owner.database !== database) throw setup(stream, 'is filled from another database.')
  return info
}

async function endOf(
  manager: JetStreamManager,
  { stream }: StreamSettings,
  { created, state }: StreamInfo,
): Promise<StreamEnd> {
  for (let sequence = state.last_seq; state.messages > 0 && sequence >= state.first_seq; sequence -= 1) {
    const stored = await manager.streams.getMessage(stream, { seq: sequence })
    const message = stored && decodeMessage(stored.data) // a message may be deleted, or another program may have written it
    if (message) return { created, sequence: state.last_seq, number: message.event.number }
  }
  return { created, sequence: state.last_seq, number: null }
}

async function infoOf(manager: JetStreamManager, stream: string): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(stream)
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return null
    throw error
  }
}

function newStream({ stream, partitions, replicas, maxAgeMs, maxBytes }: StreamSettings, database: string) {
  return {
    name: stream,
    description: describe(database, partitions),
    subjects: [logSubjects(stream)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    max_age: maxAgeMs * 1e6,
    max_bytes: maxBytes ?? -1,
    duplicate_window: Math.min(maxAgeMs, DUPLICATES_MS) * 1e6,
  }
}

function checkConfig(config: StreamConfig): void {
  const { name, subjects, retention, discard, mirror, sources } = config
  if (!subjects.includes(logSubjects(name)) || subjects.length > 1)
    throw setup(name, `has the subjects ${JSON.stringify(subjects)}: expected only "${logSubjects(name)}".`)
  if (retention !== RetentionPolicy.Limits)
    throw setup(name, `has the retention "${retention}": expected "limits", so that every reader finds each message.`)
  if (discard !== DiscardPolicy.Old)
    throw setup(name, `refuses messages when it is full: expected the discard policy "old".`)
  if (mirror || (sources && sources.length > 0)) throw setup(name, 'copies other streams.')
  for (const limit of ['max_msgs_per_subject', 'max_msg_size'] as const)
    if ((config[limit] ?? 0) > 0) throw setup(name, `has \`${limit}\`, which would leave out messages between others.`)
}

function describe(database: string, partitions: number): string {
  return JSON.stringify({ postbus: { database, partitions } } satisfies z.input<typeof description>)
}

function ownerOf({ config }: StreamInfo): { readonly database: string; readonly partitions: number } | null {
  try {
    return description.safeParse(JSON.parse(config.description ?? '')).data?.postbus ?? null
  } catch {
    return null
  }
}

function setup(stream: string, problem: string): PostbusError {
  return new PostbusError(
    'POSTBUS_BROKER_SETUP',
    `Stream "${stream}" of JetStream ${problem} Name another \`stream\`, or mend it: each database needs a stream of its own.`,
  )
}
