/**
 * Lets held jobs into their lanes: those that a worker left behind which died or lost its shard, and what an operator has begun again. First the
 * key is put into its lane here, so that what is read goes behind; then what runs of it ends, and what was put behind is written; then the
 * job is made due.
 */
import type { HeldJob, LogStore } from '../../deliveries/log-reading.ts'
import type { Runs } from './runs.ts'
import type { Handling, Shard } from './shard.ts'

export interface HeldParts {
  readonly store: Pick<LogStore, 'held' | 'admit'>
  readonly handlings: readonly Handling[]
  readonly runs: Pick<Runs, 'isSpilled'>
}

/** To be called again and again: what cannot be let in yet is at one of the next turns. */
export async function admitHeld({ store, handlings, runs }: HeldParts): Promise<void> {
  const reading = handlings.filter(({ shards }) => shards.size > 0)
  if (reading.length === 0) return
  const held = await store.held(reading.map(({ handler }) => handler))
  const ready = held.filter((job) => {
    const shard = shardOf(reading, job)
    return shard !== undefined && !runs.isSpilled(job.number, shard) && isLetIn(shard, job)
  })
  await store.admit(ready)
}

function shardOf(handlings: readonly Handling[], { handler, hash }: HeldJob): Shard | undefined {
  const handling = handlings.find(({ subscription }) => subscription.handler === handler)
  const shard = handling?.shards.get(hash % handling.subscription.shards)
  return shard?.isReady && !shard.isReleasing && !shard.isDropped ? shard : undefined
}

/** Not before the cursor has passed the event: until then an earlier event of the key may still be read. */
function isLetIn(shard: Shard, { partitionKey, number }: HeldJob): boolean {
  if (partitionKey === null) return true
  if (number > shard.acknowledged) return false
  const key = shard.key(partitionKey)
  shard.toLane(key)
  return !key.isRunning && key.unwritten === 0
}
