/**
 * What `doctor --deploy` checks before this code is deployed: whether it can go on with everything that waits. Older code has stored these
 * deliveries. If this code no longer has their handler, event type, version or queue, they would be left behind.
 */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import { isReadable, type Reading } from '../../../handlers/reading.ts'
import type { Registry } from '../../../handlers/registry.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** This many deliveries are joined with their events in about three seconds. */
const LOOKED_AT = 1_000_000
const MOST_FINDINGS = 50

/** How many deliveries wait that have all of this in common. */
interface Waiting {
  readonly handler: string
  readonly queue: string
  /** The stored name; null when the event is gone. */
  readonly type: string | null
  readonly version: number | null
  readonly count: number
}

export async function examineDeploy(
  database: Queryable,
  tables: Tables,
  registry: Registry,
): Promise<readonly DoctorFinding[]> {
  const waiting = await lookAtAll(database, tables)
  const dead = await deadLettersByHandler(database, tables)
  const total = sum(waiting)
  const part = total >= LOOKED_AT ? `, of the ${number(LOOKED_AT)} that were looked at` : ''
  const findings = [
    ...handlersGone(waiting, dead, registry),
    ...queuesGone(waiting, registry),
    ...unreadable(waiting, registry),
  ]
  if (findings.length === 0) return [{ check: 'deploy', status: 'ok', message: okMessage(total, part) }]
  return findings.slice(0, MOST_FINDINGS).map((one) => ({ ...one, message: `${one.message}${part}` }))
}

function okMessage(total: number, part: string): string {
  return total === 0 ? 'nothing waits' : `this code can go on with all ${number(total)} deliveries that wait${part}`
}

async function lookAtAll(database: Queryable, tables: Tables): Promise<readonly Waiting[]> {
  const { rows } = await database.query<Waiting>(
    `select job.handler, job.queue, event.type, event.version, count(*)::integer as count
    from (
      select id, name as queue, data ->> 'handler' as handler from ${tables.delivery}
      where name in (select name from ${tables.ownQueue}) and state < 'completed' limit ${LOOKED_AT}
    ) job
    left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(job.id)
    where job.handler is not null
    group by 1, 2, 3, 4 order by 1, 3, 4, 2`,
  )
  return rows
}

async function deadLettersByHandler(database: Queryable, tables: Tables): Promise<ReadonlyMap<string, number>> {
  const { rows } = await database.query<{ handler: string; count: number }>(
    `select handler, count(*)::integer as count from (
      select handler from ${tables.deadLetter} where dismissed_at is null limit ${LOOKED_AT}
    ) open group by handler order by handler`,
  )
  return new Map(rows.map(({ handler, count }) => [handler, count]))
}

function handlersGone(
  waiting: readonly Waiting[],
  dead: ReadonlyMap<string, number>,
  registry: Registry,
): readonly DoctorFinding[] {
  const names = new Set([...waiting.map(({ handler }) => handler), ...dead.keys()])
  return [...names]
    .filter((name) => !registry.handlerNamed(name))
    .map((name) => {
      const count = sum(waiting.filter(({ handler }) => handler === name))
      const letters = dead.get(name) ?? 0
      const has = [
        ...(count > 0 ? [`${number(count)} waiting deliveries`] : []),
        ...(letters > 0 ? [`${number(letters)} open dead letters`] : []),
      ].join(' and ')
      const mend =
        count > 0
          ? `If it was renamed, give the new one previousNames: ['${name}']. If it goes, let the code before finish them first`
          : `Retry them with the code before, or run: npx postbus dead dismiss --handler ${name}`
      const message = `"${name}" has ${has}, but this code has no handler of that name. ${mend}`
      return { check: 'deploy', status: count > 0 ? 'problem' : 'warning', message }
    })
}

function queuesGone(waiting: readonly Waiting[], registry: Registry): readonly DoctorFinding[] {
  const lost = waiting.filter(
    ({ handler, queue }) => registry.handlerNamed(handler) && !registry.queues.includes(queue),
  )
  return [...new Set(lost.map(({ queue }) => queue))].map((queue) => {
    const count = number(sum(lost.filter((one) => one.queue === queue)))
    const mend = 'Let the code before finish them first'
    const message = `queue "${queue}" has ${count} waiting deliveries, but no handler of this code uses it. ${mend}`
    return { check: 'deploy', status: 'problem', message }
  })
}

/** Waiting deliveries that the handler of this code cannot read. The type is shown by its present name. */
function unreadable(waiting: readonly Waiting[], registry: Registry): readonly DoctorFinding[] {
  return groups(waiting, registry).flatMap(({ handler: stored, type, version, count }) => {
    const handler = registry.handlerNamed(stored)
    if (!handler || type === null || version === null) return []
    const reading = registry.readingOf(handler, { type, version })
    if (isReadable(reading)) return []
    const what = `"${handler.name}" has ${number(count)} waiting deliveries of ${registry.names.eventTypes.shown(type)} version ${version}`
    return [{ check: 'deploy', status: 'problem', message: `${what}, ${problemIn(reading, version)}` }]
  })
}

/** Adds up the counts of all queues, by handler, event type and version. */
function groups(waiting: readonly Waiting[], registry: Registry): readonly Waiting[] {
  const found = new Map<string, Waiting>()
  for (const one of waiting) {
    const handler = registry.handlerNamed(one.handler)?.name
    const type = one.type && registry.names.eventTypes.shown(one.type)
    const key = `${handler} ${type} ${one.version}`
    found.set(key, { ...one, count: one.count + (found.get(key)?.count ?? 0) })
  }
  return [...found.values()]
}

function problemIn(reading: Reading, version: number): string {
  switch (reading.is) {
    case 'older': {
      const { missing } = reading
      return `and there is no upcast from version ${missing} to ${missing + 1}: they would be dead letters. Add the upcast`
    }
    case 'newer':
      return `but knows no version above ${Math.max(...reading.known)}: they would wait for newer code. Deploy code that knows version ${version}`
    case 'as-stored':
    case 'upcast':
    case 'not-heard':
      return 'but does not listen to it: they would be put back over and over. Listen to it until they are done; if it was renamed, give it previousNames'
  }
}

function sum(waiting: readonly Waiting[]): number {
  return waiting.reduce((total, { count }) => total + count, 0)
}

function number(value: number): string {
  return value.toLocaleString('en')
}
