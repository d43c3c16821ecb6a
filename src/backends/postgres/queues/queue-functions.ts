/**
 * Each queue has functions of its own for what workers do all the time: claim, settle, keep, recover, and what keeps its lanes
 * going. Their plans are made once per connection, and each is one round trip. They are the queue's own because a
 * function that is told the table's name must either plan every statement anew or go through pg-boss's partitioned
 * parent, where a row cannot be updated by its ctid.
 */
import { isPartitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { claimLanesFunction, walkFunction } from './functions/claim-lanes.ts'
import { claimFunction } from './functions/claim.ts'
import { keepFunction } from './functions/keep.ts'
import { setAsideFunction } from './functions/set-aside.ts'
import { promoteFunction, recoverFunction, skipFunction, sweepFunction } from './functions/lanes.ts'
import { endedFunction, pruneFunction } from './functions/prune.ts'
import { settleFunction, settleLanesFunction } from './functions/settle.ts'
import { functionName, type QueueParts } from './functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** Raised with every change of a function. `migrate` brings queues up to it; workers refuse a queue that is behind. */
export const FUNCTIONS_VERSION = 1

/**
 * Installs or replaces a queue's functions. A release that changes what one takes or answers gives it another name, so
 * that the workers of the previous release keep theirs.
 */
export async function createFunctions(database: Queryable, parts: QueueParts): Promise<void> {
  for (const statement of isPartitionedQueue(parts.queue) ? laneFunctions(parts) : plainFunctions(parts)) {
    await database.query(statement)
  }
}

function plainFunctions(parts: QueueParts): readonly string[] {
  return [
    setAsideFunction(parts),
    claimFunction(parts),
    settleFunction(parts),
    keepFunction(parts),
    recoverFunction(parts, false),
    endedFunction(parts),
    pruneFunction(parts),
  ]
}

/** In the order in which they use each other. */
function laneFunctions(parts: QueueParts): readonly string[] {
  return [
    promoteFunction(parts),
    walkFunction(parts),
    setAsideFunction(parts),
    claimLanesFunction(parts),
    settleLanesFunction(parts),
    keepFunction(parts),
    recoverFunction(parts, true),
    sweepFunction(parts),
    skipFunction(parts),
    endedFunction(parts),
    pruneFunction(parts),
  ]
}

/** The names under which a worker calls a queue's functions. */
export interface QueueFunctions {
  readonly claim: string
  readonly settle: string
  readonly keep: string
  readonly recover: string
  readonly promote: string
  readonly sweep: string
  readonly skip: string
}

export function functionsOf(tables: Tables, suffix: string): QueueFunctions {
  const name = (what: string) => functionName({ tables, suffix }, what)
  return {
    claim: name('claim'),
    settle: name('settle'),
    keep: name('keep'),
    recover: name('recover'),
    promote: name('promote'),
    sweep: name('sweep'),
    skip: name('skip'),
  }
}
