/** Queues: the work that their handlers have, and how many slots workers have for it. */
import type { HandlerBacklog } from '../../deliveries/backlog.ts'
import type { ListeningHandler } from '../../deliveries/explain.ts'
import type { RunningWorker } from '../../deliveries/workers.ts'
import { baseQueue } from '../../names.ts'
import type { Markup } from '../html.ts'
import { number } from '../parts/number.ts'
import { table } from '../parts/table.ts'

interface Parts {
  readonly backlog: readonly HandlerBacklog[]
  readonly handlers: readonly ListeningHandler[]
  readonly workers: readonly RunningWorker[]
}

export function queuesPart({ backlog, handlers, workers }: Parts): Markup {
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
      { head: 'Slots', isNumber: true },
      { head: 'Waiting', isNumber: true },
    ],
    rows: [...queues].map(([queue, members]) => [
      queue,
      number(members.length),
      number(sum(members.map(({ running }) => running))),
      number(slotsOf(queue, workers)),
      number(sum(members.map(({ waiting }) => waiting))),
    ]),
    empty: 'This bus has no handlers.',
  })
}

/** A queue of handlers is stored as two queues, with and without partition keys. Each of the two has slots of its own. */
function slotsOf(queue: string, workers: readonly RunningWorker[]): number {
  const worked = workers.flatMap(({ queues }) => queues.filter((one) => baseQueue(one.queue) === queue))
  return sum(worked.map(({ slots }) => slots ?? 0))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
