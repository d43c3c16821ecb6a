/**
 * Lets held jobs into their lanes: jobs that a worker left when it died or lost its shard, and jobs that an operator has begun again. First the key
 * is put into its lane here, so that newly read events go behind. Then the running event of the key ends, and the events that were put behind
 * are written. Then the job is made due.
 */
import type { HeldJob, LogStore } from '../../deliveries/log-reading.ts'
import type { Runs } from './runs.ts'
import type { Handling, Shard } from './shard.ts'

export interface HeldParts {
  readonly store: Pick<LogStore, 'held' | 'admit'>
  readonly handlings: readonly Handling[]
  readonly runs: Pick<Runs, 'isSpilled'>
}

/** Call it again and again: a job that cannot be let in yet is let in at a later turn. */
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
