/** Queues by the work that their handlers have. */
import type { HandlerBacklog } from '../../deliveries/backlog.ts'
import type { ListeningHandler } from '../../deliveries/explain.ts'
import type { Markup } from '../html.ts'
import { number } from '../parts/number.ts'
import { table } from '../parts/table.ts'

export function queuesPart(backlog: readonly HandlerBacklog[], handlers: readonly ListeningHandler[]): Markup {
  const queueOf = new Map(handlers.map(({ handler, queue }) => [handler, queue]))
  const queues = Map.groupBy(
    backlog.filter(({ handler }) => queueOf.has(handler)),
    ({ handler }) => queueOf.get(handler) ?? '',
  )
  return table({
    label: 'Queues',
    columns: [
      { head: 'Queue' },
      { head: 'Handlers', isNumber: true },
      { head: 'Running', isNumber: true },
      { head: 'Waiting', isNumber: true },
    ],
    rows: [...queues].map(([queue, members]) => [
      queue,
      number(members.length),
      number(sum(members.map(({ running }) => running))),
      number(sum(members.map(({ waiting }) => waiting))),
    ]),
    empty: 'This bus has no handlers.',
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
