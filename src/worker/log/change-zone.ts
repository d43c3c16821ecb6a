/**
 * Reading the part of the log in which some events have a delivery and some have none, because their handler is changing its mode. The reader
 * skips an event that has a delivery, and sends the later events of its key to the lane behind it. A held delivery is released once the cursor has
 * passed its event. So no earlier event of the key can be repeated after it.
 */
import type { Delivered, LogEvent, LogStore } from '../../deliveries/log-reading.ts'
import type { Handling, HeldEvent, Shard } from './shard.ts'

/** Deliveries that were found, by handler and by the number of the event. */
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

/** Whether the event was handled before the number of shards changed. */
export function isBelowFloor(
  { subscription: { floors } }: Pick<Handling, 'subscription'>,
  { number, hash }: LogEvent,
): boolean {
  return floors !== null && number <= (floors[hash % floors.length] ?? 0)
}

/** Whether the event has a delivery. If so, the later events of its key go to the lane. */
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

/** Releases the held deliveries whose turn has come. The others are tried again after the next acknowledgement or heartbeat. */
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
