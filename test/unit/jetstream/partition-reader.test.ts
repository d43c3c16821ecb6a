/** A partition reader notices every missing event, by the messages that arrive and by the relay's report. */
import type { JetStreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import type { LogEvent } from '../../../src/deliveries/log-reading.ts'
import { encodeMessage } from '../../../src/jetstream/log-message.ts'
import type { RelayProgress } from '../../../src/jetstream/relay-progress.ts'
import { MissingEvents, PartitionReader } from '../../../src/jetstream/partition-reader.ts'

test('it returns all events after a number, up to the last one', async () => {
  const { reader, progress } = await aReader({ after: 4, comes: [sent(5), sent(6), sent(9, 6)], last: 9 })

  expect(await read(reader, progress)).toEqual([5, 6, 9])
})

test('when an event in the middle is missing, it returns the events before it, and fails', async () => {
  const { reader, progress } = await aReader({ after: 4, comes: [sent(5), sent(7)], last: 7 })

  expect(await read(reader, progress)).toEqual([5, MissingEvents])
})

test('when the first event is missing, it fails', async () => {
  const { reader, progress } = await aReader({ after: 4, comes: [sent(6)], last: 6 })

  expect(await read(reader, progress)).toEqual([MissingEvents])
})

test.concurrent('when the last event is missing, it waits for it, and fails', async () => {
  const { reader, progress } = await aReader({ after: 4, comes: [sent(5)], last: 6 })

  expect(await read(reader, progress)).toEqual([5, MissingEvents])
})

test.concurrent('when all events are missing, it waits for them, and fails', async () => {
  const { reader, progress } = await aReader({ after: 4, comes: [], last: 5 })

  expect(await read(reader, progress)).toEqual([MissingEvents])
})

test('the numbers of a partition may have gaps, if each event names the previous one', async () => {
  const { reader, progress } = await aReader({
    after: 4,
    partition: 0,
    comes: [sent(6, 2), sent(9, 6), sent(12, 9)],
    last: 12,
  })

  expect(await read(reader, progress)).toEqual([6, 9, 12])
})

test('when an event of a partition names a previous event that did not arrive, it fails', async () => {
  const { reader, progress } = await aReader({ after: 4, partition: 0, comes: [sent(6, 2), sent(12, 9)], last: 12 })

  expect(await read(reader, progress)).toEqual([6, MissingEvents])
})

test('it expects no event when the last one of the partition was read before', async () => {
  const { reader, progress } = await aReader({ after: 4, partition: 0, comes: [], last: 3 })

  expect(await read(reader, progress)).toEqual([])
})

test('it skips messages of other programs, and events that were read before', async () => {
  const foreign = { data: new Uint8Array([1, 10]) }
  const { reader, progress } = await aReader({ after: 4, comes: [sent(3), sent(5), foreign, sent(6)], last: 6 })

  expect(await read(reader, progress)).toEqual([5, 6])
})

interface Sent {
  readonly data: Uint8Array
}

/** `before` is the number of the event before it in what is read: in the stream, or in the partition. */
function sent(number: number, before = number - 1): Sent {
  const event = { number, hash: 0, id: 'id', type: 't', version: 1, partitionKey: null, payload: '', metadata: null } // prettier-ignore
  const rest = { correlationId: null, causationId: null, source: null, rest: null, expiresAt: null, publishedAt: 0, occurredAt: new Date(0) } // prettier-ignore
  const whole: LogEvent = { ...event, ...rest, seq: String(number) }
  return { data: encodeMessage(whole, { before, beforeInPartition: before }, 10_000) }
}

interface Stream {
  /** The number after which the events begin. */
  readonly after: number
  readonly partition?: number
  readonly comes: readonly Sent[]
  /** The number of the last event, as the relay has told. */
  readonly last: number
}

async function aReader({ after, partition, comes, last }: Stream) {
  let isSent = false
  async function* pulled(messages: readonly Sent[]) {
    yield* messages
    if (messages.length === 0) await new Promise(() => undefined) // the server has nothing more
  }
  const consumer = {
    async fetch() {
      const messages = isSent ? [] : comes
      isSent = true
      return Object.assign(pulled(messages), { close: async () => undefined })
    },
    delete: async () => true,
  }
  const manager = {
    consumers: { add: async () => ({ name: 'reader' }) },
    jetstream: () => ({ consumers: { get: async () => consumer } }),
  } as unknown as JetStreamManager
  const reader = await PartitionReader.open({
    manager,
    stream: 'log',
    partition: partition ?? null,
    from: 1,
    after,
    most: 100,
  })
  const progress: RelayProgress = { number: last, last, lastOf: [last], created: '', erased: 0, life: null }
  return { reader, progress }
}

/** Returns the numbers of the events that were read, and then the class of the error, if there was one. */
async function read(reader: PartitionReader, progress: RelayProgress): Promise<readonly unknown[]> {
  const found: unknown[] = []
  try {
    for (;;) {
      await reader.fill(progress)
      const messages = reader.takeUpTo(progress.number)
      if (messages.length === 0) return found
      found.push(...messages.map(({ event }) => event.number))
    }
  } catch (error) {
    return [...found, error instanceof MissingEvents ? MissingEvents : Error]
  }
}
