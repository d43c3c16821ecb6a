/** `bus.deadLetters`, `bus.lanes` and `bus.acts`: what an operator asks for is checked here, before any SQL. */
import { actQuery, type Acts } from '../../../deliveries/act-log.ts'
import { parseAct, parseBatchAct, parsePacedAct, parsePreviewedAct } from '../../../deliveries/acts.ts'
import {
  deadLetterFilter,
  deadLetterQuery,
  deadLetterSelection,
  type DeadLetters,
} from '../../../deliveries/dead-letters.ts'
import { blockedLanes, laneName, laneQuery, rewindTo, type Lanes } from '../../../deliveries/lanes.ts'
import { lanePause } from '../../../deliveries/pauses.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { listActs } from './act-log.ts'
import { dismissDeadLetters, retryBlockingLetters, retryDeadLetters } from './dead-letter-acts.ts'
import { countDeadLetters, listDeadLetters } from './dead-letters.ts'
import { listLanes, retryLane, showLane, skipHead } from './lanes.ts'
import { operating } from './operating.ts'
import { handlerOf, oldestDeadOf, previewRewind, rewindLane } from './rewind.ts'
import { pause, refuseUnknownHandler, resume, type LoadRegistry } from './pauses.ts'

export function deadLettersIn(connection: Connection, tables: Tables): DeadLetters {
  const { look, act } = operating(connection, tables)
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('deadLetters.list()', deadLetterQuery, given)
      return look((pool) => listDeadLetters(pool, tables, query))
    },
    async count(given = {}) {
      const filter = parseOptions('deadLetters.count()', deadLetterFilter, given)
      return look((pool) => countDeadLetters(pool, tables, filter))
    },
    async retry(given, how) {
      const which = parseOptions('deadLetters.retry()', deadLetterSelection, given)
      return act(parseBatchAct('deadLetters.retry', how), which, (pool, what) =>
        retryDeadLetters(pool, tables, which, what),
      )
    },
    async dismiss(given, how) {
      const which = parseOptions('deadLetters.dismiss()', deadLetterSelection, given)
      return act(parseBatchAct('deadLetters.dismiss', how), which, (pool, what) =>
        dismissDeadLetters(pool, tables, which, what),
      )
    },
  } satisfies DeadLetters)
}

export function lanesIn(connection: Connection, tables: Tables, registry: LoadRegistry): Lanes {
  const { look, act, actAtOnce } = operating(connection, tables)
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('lanes.list()', laneQuery, given)
      return look((pool) => listLanes(pool, tables, query))
    },
    async show(given) {
      const name = parseOptions('lanes.show()', laneName, given)
      return look((pool) => showLane(pool, tables, name))
    },
    async retry(given, how) {
      const name = parseOptions('lanes.retry()', laneName, given)
      return act(parseAct('lanes.retry', how), name, (pool, { note }) => retryLane(pool, tables, name, note))
    },
    async retryAll(given, how) {
      const which = parseOptions('lanes.retryAll()', blockedLanes, given)
      const wanted = parsePacedAct('lanes.retryAll', how)
      if (wanted.preview) {
        const count = await look((pool) => countDeadLetters(pool, tables, which, { blocking: true }))
        return { count: Math.min(count, wanted.limit) }
      }
      return act(wanted, which, (pool, what) => retryBlockingLetters(pool, tables, which, what))
    },
    async skipHead(given, how) {
      const name = parseOptions('lanes.skipHead()', laneName, given)
      return actAtOnce(parseAct('lanes.skipHead', how), name, (within, what) => skipHead(within, tables, name, what))
    },
    async rewind(given, how) {
      const to = parseOptions('lanes.rewind()', rewindTo, given)
      const wanted = parsePreviewedAct('lanes.rewind', how)
      const handler = handlerOf(await registry(), to)
      if (wanted.preview) return { count: await look((pool) => previewRewind(pool, tables, handler, to)) }
      return act(wanted, to, (pool, what) => rewindLane(pool, tables, { handler, to, ...what }))
    },
    async repair(given, how) {
      const name = parseOptions('lanes.repair()', laneName, given)
      const wanted = parsePreviewedAct('lanes.repair', how)
      const handler = handlerOf(await registry(), name)
      const from = await look((pool) => oldestDeadOf(pool, tables, name))
      if (from === null) return { count: 0 }
      const to = { ...name, from }
      if (wanted.preview) return { count: await look((pool) => previewRewind(pool, tables, handler, to)) }
      return act(wanted, to, (pool, what) => rewindLane(pool, tables, { handler, to, ...what }))
    },
    async pause(given, how) {
      const name = parseOptions('lanes.pause()', laneName, given)
      const what = parseAct('lanes.pause', how)
      const known = await registry()
      return actAtOnce(what, name, async (within) => {
        await refuseUnknownHandler(within, tables, known, name.handler)
        return pause(within, tables, lanePause(name), what)
      })
    },
    async resume(given, how) {
      const name = parseOptions('lanes.resume()', laneName, given)
      return actAtOnce(parseAct('lanes.resume', how), name, (within) => resume(within, tables, lanePause(name)))
    },
  } satisfies Lanes)
}

export function actsIn(connection: Connection, tables: Tables): Acts {
  const { look } = operating(connection, tables)
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('acts.list()', actQuery, given)
      return look((pool) => listActs(pool, tables, query))
    },
  } satisfies Acts)
}
