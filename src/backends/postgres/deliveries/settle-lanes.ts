/** Settles in lanes: a delivery that ends makes way for the next one, and the claim of a run moves along. See `functions/settle-lanes.ts`. */
import type { ClaimedDelivery, Ran, Settled, Settlement } from '../../../deliveries/delivery.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import type { Shadows } from './claim.ts'
import { claimedDelivery, claimedRuns, isTrue, queryClaimed, type Cells } from './claimed-row.ts'
import { settleCall, withCompleted } from './settle-call.ts'
import { arrayOf, othersOf } from './settlement-values.ts'

/** Values are sent as text, which every client passes on unchanged: a test's drain runs this on the transaction of any client. */
const TAKES = '$1, $2::text::uuid[], $3::jsonb, $4::jsonb, $5::text::uuid[], $6, $7::text::text[]'

interface Settling {
  readonly queue: string
  readonly settlements: readonly Settlement[]
  readonly shadows: Shadows
  /** See `functions/own-commits.ts`. */
  readonly completed: readonly string[]
}

export async function settleLanes(
  database: Queryable,
  tables: Tables,
  { queue, settlements, shadows, completed }: Settling,
): Promise<Settled> {
  const { name, call } = settleCall(tables, 'settle_lanes_2', TAKES, completed)
  const values = [...valuesOf(queue, settlements, shadows), ...withCompleted(completed)]
  const { rows, at } = await queryClaimed<Column>(database, { name, text: `select * from ${call}` }, values)
  const rowsOf = grouped(rows, (row) => String(row[at.settled]))
  const ours = new Set<string>()
  const next = new Map<string, ClaimedDelivery>()
  const behind = new Map<string, readonly ClaimedDelivery[]>()
  const cut = new Set<string>()
  for (const settlement of settlements) {
    const { id, claim } = settlement.delivery
    const answer = rowsOf.get(firstOf(settlement).id)
    if (!answer) continue
    ours.add(id)
    if (answer.some((row) => isTrue(row[at.cut]))) cut.add(id)
    const deliveries = answer.filter((row) => row[at.id] !== null)
    if (settlement.movesTo) {
      behind.set(
        id,
        deliveries.map((row) => ({ ...claimedDelivery(queue, row, at), claim })),
      )
    } else {
      const [head] = claimedRuns(queue, deliveries, at)
      if (head) next.set(id, head)
    }
  }
  return { ours, next, behind, cut, more: isTrue(rows[0]?.[at.more]) }
}

type Column = 'settled' | 'more' | 'cut'

function valuesOf(queue: string, settlements: readonly Settlement[], shadows: Shadows): readonly unknown[] {
  const runs = settlements.flatMap((settlement) => runsIn(settlement))
  return [
    queue,
    arrayOf(runs.map(({ first }) => first.delivery.id)),
    JSON.stringify(Object.fromEntries(runs.map((run) => [run.first.delivery.id, rowOf(run)]))),
    othersOf(settlements, true),
    arrayOf(settlements.filter(({ takeNext }) => !takeNext).map((settlement) => firstOf(settlement).id)),
    Math.max(0, ...settlements.map(({ behind }) => behind ?? 0)),
    shadows && arrayOf(shadows),
  ]
}

interface DoneRun {
  readonly first: Ran
  readonly later: readonly Ran[]
  /** The delivery that gets the claim: the one that runs now, or the one that is not done and ends with the others. */
  readonly to?: ClaimedDelivery
  readonly more?: { readonly last: ClaimedDelivery; readonly count: number }
}

/** The part of a settlement's run that is done: one entry, or none. */
function runsIn({ delivery, is, tookMs = 0, ran = [], movesTo, more }: Settlement): readonly DoneRun[] {
  const [first, ...later] = is === 'done' ? [...ran, { delivery, tookMs }] : ran
  if (!first) return []
  if (is !== 'done') return [{ first, later, to: delivery }]
  return [movesTo ? { first, later, to: movesTo, more: more ?? { last: movesTo, count: 0 } } : { first, later }]
}

function rowOf({ first, later, to, more }: DoneRun) {
  return {
    claim: first.delivery.claim,
    took: Math.round(first.tookMs),
    ...(later.length > 0 && {
      later: Object.fromEntries(later.map(({ delivery, tookMs }) => [delivery.id, Math.round(tookMs)])),
    }),
    ...(to && { to: to.id }),
    ...(more && { known: more.last.id, more: more.count }),
  }
}

/** The delivery whose id names the settlement in the result: the first of its run, which has the claim, or the one that is not done. */
function firstOf({ delivery, is, ran = [] }: Settlement): ClaimedDelivery {
  return is === 'done' ? (ran[0]?.delivery ?? delivery) : delivery
}

function grouped(rows: readonly Cells[], nameOf: (row: Cells) => string): ReadonlyMap<string, readonly Cells[]> {
  const groups = new Map<string, Cells[]>()
  for (const row of rows) {
    const group = groups.get(nameOf(row))
    if (group) group.push(row)
    else groups.set(nameOf(row), [row])
  }
  return groups
}
