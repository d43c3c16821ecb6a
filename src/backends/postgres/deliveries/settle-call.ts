/** Chooses the function that settles: the plain one, or the one that also deletes the completion rows of transactional handlers. */
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { arrayOf } from './settlement-values.ts'

/** `takes`: the parameters that both functions have. */
export function settleCall(
  tables: Tables,
  name: 'settle_2' | 'settle_lanes_2',
  takes: string,
  completed: readonly string[],
): { readonly name: string; readonly call: string } {
  if (completed.length === 0) return { name, call: `${functionName(tables, name)}(${takes})` }
  const parameter = `$${takes.split('$').length}`
  const call = `${functionName(tables, `completed_${name}`)}(${takes}, ${parameter}::text::uuid[])`
  return { name: `completed_${name}`, call }
}

export function withCompleted(completed: readonly string[]): readonly unknown[] {
  return completed.length === 0 ? [] : [arrayOf(completed)]
}
