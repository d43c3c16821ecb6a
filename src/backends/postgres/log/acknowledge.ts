/** Stores what became of the events that a worker has read: see `functions/log-acknowledge.ts`. */
import type { Ending } from '../../../deliveries/delivery.ts'
import type { LogMove } from '../../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { Queryable } from '../connection.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

export interface Acknowledging {
  readonly reader: string
  readonly moves: readonly LogMove[]
  /** Handlers by their stored names. */
  readonly known: ReadonlyMap<string, AnyHandler>
  /** The life of the server in which the events were read. `null`: unknown. */
  readonly life: string | null
}

/** Returns the places in `moves` of the moves whose cursor was still ours. */
export async function acknowledge(
  database: Queryable,
  tables: Tables,
  { reader, moves, known, life }: Acknowledging,
): Promise<ReadonlySet<number>> {
  const handlers = moves.map(({ cursor }) => cursor.handler)
  const completed = moves.flatMap((move, index) => move.completed.map((id) => ({ id, place: index + 1 })))
  const [name, more] =
    completed.length > 0 ? (['completed_log_acknowledge', ', $14, $15'] as const) : ['log_acknowledge', '']
  const { rows } = await database.query<{ place: number }>({
    name,
    text: `select acknowledged - 1 as place from ${functionName(tables, name)}(
      $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11::jsonb, $12::jsonb${more})
    where $13::uuid is null or exists (select from ${tables.serverLife} one where one.id = $13::uuid)`, // Postgres evaluates this condition once, before the call
    values: [
      reader,
      handlers,
      moves.map(({ cursor }) => cursor.shard),
      moves.map(({ cursor }) => cursor.fence),
      moves.map(({ from }) => from),
      moves.map(({ to }) => to),
      handlers.map(handlerHash),
      handlers.map((handler) => known.get(handler)?.options.queue ?? ''),
      handlers.map(() => 0), // no priorities: events are handled in the order of the log
      listOf(moves, ({ jobs }) => jobs.map(({ seq, isHeld, replay }) => ({ seq, is_held: isHeld, replay }))),
      listOf(moves, ({ ended }) =>
        ended.map(({ seq, inLane, end }) => ({ seq, in_lane: inLane, ...columnsOf(end) })).toSorted(bySeq),
      ),
      listOf(moves, ({ passed }) => passed.map(({ seq, as, reason }) => ({ seq, outcome: as, reason }))),
      life,
      ...(completed.length > 0 ? [completed.map(({ id }) => id), completed.map(({ place }) => place)] : []),
    ],
  })
  return new Set(rows.map(({ place }) => place))
}

/** The entries of one kind from all moves, each with the place of its cursor, as JSON; `null` if there are none. */
function listOf(moves: readonly LogMove[], of: (move: LogMove) => readonly object[]): string | null {
  const all = moves.flatMap((move, index) => of(move).map((one) => ({ place: index + 1, ...one })))
  return all.length === 0 ? null : JSON.stringify(all)
}

function columnsOf(end: Ending): object {
  switch (end.is) {
    case 'done':
      return { outcome: 'done' }
    case 'passed':
      return { outcome: 'passed', passed_as: end.as, reason: end.reason }
    case 'retry':
      return { outcome: 'retry', delay_ms: end.delayMs, error: end.error, blocks: false }
    case 'later':
      return { outcome: 'later', delay_ms: end.delayMs, blocks: false }
    case 'awaiting':
      return { outcome: 'awaiting', delay_ms: end.delayMs, blocks: false }
    case 'dead':
      return { outcome: 'dead', reason: end.reason, error: end.error, blocks: end.onDead === 'block' }
  }
}

function bySeq(one: { readonly seq: number }, other: { readonly seq: number }): number {
  return one.seq - other.seq
}
