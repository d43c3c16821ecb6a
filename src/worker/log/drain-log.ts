/**
 * Turns the events of the log into deliveries of the handlers that read it: a drain then works on these deliveries like on any others. It
 * takes only shards that no worker reads. In one transaction it writes deliveries and moves the cursor past their events, in order.
 */
import { randomUUID } from 'node:crypto'
import { NOTHING_KNOWN, type LogMove, type LogStore, type OwnedCursor } from '../../deliveries/log-reading.ts'
import { isBelowFloor, isInZone } from './change-zone.ts'
import type { Handling } from './shard.ts'

const MOST = 500

export interface LogDrainParts {
  readonly store: LogStore
  readonly handlings: readonly Handling[]
  readonly types: readonly string[] | null
}

/** Returns how many deliveries were written, or let in. */
export async function drainLog({ store, handlings, types }: LogDrainParts): Promise<number> {
  if (handlings.length === 0) return 0
  const reader = randomUUID()
  const names = handlings.map(({ subscription }) => subscription.handler)
  await store.beat(reader, names)
  try {
    let count = 0
    for (const handling of handlings) {
      const { handler, shards } = handling.subscription
      const cursors = await store.take(reader, handler, shards, [])
      if (cursors.length === 0) continue
      const { handlers } = await store.beat(reader, names) // the number of shards may have changed before we took them
      handling.subscription = handlers.find((one) => one.handler === handler) ?? handling.subscription
      count += await drainHandler({ store, types }, { reader, handling, cursors })
    }
    return count
  } finally {
    await store.leave(reader)
  }
}

interface Drained {
  readonly reader: string
  readonly handling: Handling
  readonly cursors: readonly OwnedCursor[]
}

async function drainHandler(
  { store, types }: Pick<LogDrainParts, 'store' | 'types'>,
  { reader, handling, cursors }: Drained,
): Promise<number> {
  const positions = new Map(cursors.map((cursor) => [cursor.shard, cursor.position]))
  const { final } = await store.look({ ...NOTHING_KNOWN, final: Math.min(...positions.values()) })
  let count = 0
  for (let after = Math.min(...positions.values()); after < final;) {
    const events = await store.read({ after, upTo: final, most: MOST, shards: null, types })
    const delivered = await store.delivered(
      handling.handler,
      events.filter((event) => isInZone(handling, event)),
    )
    const upTo = events.length < MOST ? final : (events.at(-1)?.number ?? final)
    const moves = cursors.map((cursor): LogMove => {
      const from = positions.get(cursor.shard) ?? 0
      const wanted = events.filter(
        (event) =>
          event.number > from &&
          event.hash % handling.subscription.shards === cursor.shard &&
          !isBelowFloor(handling, event) &&
          !delivered.has(event.number) &&
          handling.interestIn(event) !== 'none',
      )
      count += wanted.length
      const jobs = wanted.map((event) => ({ seq: event.number, isHeld: false, replay: handling.replayOf(event) }))
      return { cursor, from, to: Math.max(from, upTo), jobs, ended: [], completed: [], passed: [] }
    })
    await store.acknowledge(reader, moves)
    for (const { cursor, to } of moves) positions.set(cursor.shard, to)
    after = upTo
  }
  return count + (await admitted({ store }, { handling, positions }))
}

/** Releases held jobs of our shards whose events the cursors have passed. Other jobs belong to another worker, or come later. */
async function admitted(
  { store }: Pick<LogDrainParts, 'store'>,
  { handling, positions }: { readonly handling: Handling; readonly positions: ReadonlyMap<number, number> },
): Promise<number> {
  const { shards } = handling.subscription
  const held = await store.held([handling.handler])
  const ours = held.filter(({ hash, number }) => number <= (positions.get(hash % shards) ?? -1))
  await store.admit(ours)
  return ours.length
}
