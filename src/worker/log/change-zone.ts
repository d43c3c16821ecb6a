/**
 * While a handler changes from deliveries to the log, or back, some events have a delivery of their publisher, and some do not. Those that have one
 * are passed over by the reader: their key goes into its lane, and what is held there is let in once the cursor has passed it, so
 * that nothing that was read before it can be repeated after it.
 */
import type { Delivered, LogEvent, LogStore } from '../../deliveries/log-reading.ts'
import type { Handling, HeldEvent, Shard } from './shard.ts'

/** By handler, and by the numbers of the events. */
export type DeliveredTo = ReadonlyMap<Handling, ReadonlyMap<number, Delivered>>

const NONE: DeliveredTo = new Map()

export async function deliveredIn(
  byHandling: ReadonlyMap<Handling, readonly (Shard | undefined)[]>,
  events: readonly LogEvent[],
  store: Pick<LogStore, 'delivered'>,
): Promise<DeliveredTo> {
  const changing = [...byHandling].filter(([{ subscription }]) => subscription.zoneFrom !== null)
  if (changing.length === 0) return NONE
  const found = new Map<Handling, ReadonlyMap<number, Delivered>>()
  for (const [handling, shards] of changing) {
    const asked = events.filter((event) => isInZone(handling, event) && shards[event.hash % shards.length])
    found.set(handling, await store.delivered(handling.handler, asked))
  }
  return found
}

export function isInZone(
  { subscription: { zoneFrom, zoneTo } }: Pick<Handling, 'subscription'>,
  { number }: LogEvent,
): boolean {
  return zoneFrom !== null && number > zoneFrom && (zoneTo === null || number <= zoneTo)
}

/** It was handled when the handler had another number of shards. */
export function isBelowFloor(
  { subscription: { floors } }: Pick<Handling, 'subscription'>,
  { number, hash }: LogEvent,
): boolean {
  return floors !== null && number <= (floors[hash % floors.length] ?? 0)
}

/** Whether the event has a delivery of its publisher. If so, its key is in its lane from here on. */
export function isDelivered(
  shard: Shard,
  { number, partitionKey }: LogEvent,
  found: ReadonlyMap<number, Delivered> | undefined,
): boolean {
  const delivered = found?.get(number)
  if (!delivered) return false
  const key = partitionKey === null ? null : shard.key(partitionKey)
  if (key) shard.toLane(key)
  const { queue, id, isHeld } = delivered
  if (isHeld && queue !== null) shard.held.push({ number, key, queue, id })
  return true
}

/** Lets in what was read and is held, as far as its turn has come. What is left is tried again at the next acknowledgement, or with a beat. */
export async function admitPassed(shards: Iterable<Shard>, store: Pick<LogStore, 'admit'>): Promise<void> {
  const ready: HeldEvent[] = []
  for (const shard of shards) {
    if (shard.held.length === 0) continue
    const isReady = ({ number, key }: HeldEvent) =>
      number <= shard.acknowledged && (key === null || (!key.isRunning && key.unwritten === 0))
    ready.push(...shard.held.filter(isReady))
    shard.held = shard.held.filter((one) => !isReady(one))
  }
  if (ready.length > 0) await store.admit(ready)
}
