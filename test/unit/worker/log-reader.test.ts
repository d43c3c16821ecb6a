/** Which part of the log a worker reads next, when its handlers are at different places. */
import { expect, test } from 'vitest'
import { createCodec } from '../../../src/codec/codec.ts'
import type { LogEvent, LogPiece } from '../../../src/deliveries/log-reading.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { HandlerSlots } from '../../../src/worker/handler-slots.ts'
import { LogHandling } from '../../../src/worker/log/log-handling.ts'
import { LogReading } from '../../../src/worker/log/log-reader.ts'
import { Shard } from '../../../src/worker/log/shard.ts'
import { subscriptionOf } from '../../support/log-subscription.ts'
import { handlerThat, NoteTaken } from '../../support/notes.ts'

const LAST = 30_000

test('handlers at nearly the same position come together, and then share reads', async () => {
  const { reading, handlings, pieces } = aReading([0, 900, 2_500])
  for (let step = 0; step < 60; step += 1) await stepAndFinish(reading, handlings)

  expect(new Set(handlings.map(readTo)).size).toBe(1)
  const apart = pieces.findLastIndex(({ after }) => after < 2_500)
  expect(apart).toBeLessThan(12)
})

test('handlers that are far apart take turns: none waits until another has caught up', async () => {
  const { reading, handlings } = aReading([0, 20_000])
  for (let step = 0; step < 12; step += 1) await stepAndFinish(reading, handlings)

  expect(readTo(handlings[0]!)).toBeGreaterThan(0)
  expect(readTo(handlings[1]!)).toBeGreaterThan(20_000)
})

test('no handler reads on while another one waits for CPU time', async () => {
  const { reading, handlings } = aReading([0, 0])
  for (let step = 0; step < 40; step += 1) {
    await reading.step()
    finish(handlings[1]!)
  }

  expect(readTo(handlings[1]!)).toBe(readTo(handlings[0]!))
})

test('a handler that has no free slot, or is paused, delays no other handler', async () => {
  for (const hinder of [(one: LogHandling) => (one.running = 10), (one: LogHandling) => (one.isPaused = true)]) {
    const { reading, handlings } = aReading([0, 0])
    hinder(handlings[0]!)
    for (let step = 0; step < 60; step += 1) {
      await reading.step()
      finish(handlings[1]!)
    }

    expect(readTo(handlings[1]!)).toBe(LAST)
  }
})

function aReading(positions: readonly number[]) {
  const handlers = positions.map((_, place) =>
    handlerThat(() => undefined, { name: `notes.read-${place}`, delivery: 'log', shards: 1 }),
  )
  const registry = createRegistry(handlers)
  const parts = { registry, codec: createCodec(), emit: () => undefined }
  const handlings = handlers.map((handler, place) => {
    const subscription = subscriptionOf({ handler: handler.name })
    const slots = new HandlerSlots(new Map())
    const handling = new LogHandling({ handler, subscription, slots, concurrency: 10 }, parts)
    const cursor = { handler: handler.name, shard: 0, position: positions[place] ?? 0, fence: 1, deaths: 0 }
    const shard = new Shard(handling, cursor, 3)
    shard.isReady = true
    handling.shards.set(0, shard)
    return handling
  })
  const pieces: LogPiece[] = []
  const store = {
    look: async () => ({ final: LAST, gap: null, heldBy: null, taken: LAST, life: null }),
    async read(piece: LogPiece) {
      pieces.push(piece)
      const count = Math.min(piece.most, piece.upTo - piece.after)
      return Array.from({ length: count }, (_, place) => anEvent(piece.after + place + 1))
    },
    liveOf: async () => new Set<string>(),
    delivered: async () => new Map(),
  }
  const reading = new LogReading({
    store,
    handlings,
    pollMs: 1_000,
    types: null,
    isLanePaused: () => false,
    add: (shard, event, goesBehind) => shard.handling.runnable.push(shard.take(event, goesBehind)),
    onRead: () => undefined,
    onCrash: () => undefined,
  })
  return { reading, handlings, pieces }
}

async function stepAndFinish(reading: LogReading, handlings: readonly LogHandling[]): Promise<void> {
  await reading.step()
  for (const handling of handlings) finish(handling)
}

/** Everything that was read is handled and acknowledged. */
function finish({ shards, runnable }: LogHandling): void {
  while (runnable.shift()) continue
  for (const shard of shards.values()) shard.pending = []
}

function readTo({ shards }: LogHandling): number {
  return shards.get(0)?.readTo ?? 0
}

function anEvent(number: number): LogEvent {
  return {
    seq: String(number),
    number,
    hash: 0,
    id: `01920000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    type: NoteTaken.type,
    version: 1,
    partitionKey: null,
    payload: '{"json":{"n":1,"key":null}}',
    correlationId: null,
    causationId: null,
    source: null,
    metadata: null,
    occurredAt: new Date(0),
    publishedAt: 0,
    expiresAt: null,
    rest: null,
  }
}
