/** `bus.deadLetters`, `bus.lanes` and `bus.acts`: their arguments are checked here, before any SQL. */
import { actQuery, type Acts } from '../../../deliveries/act-log.ts'
import { parseAct, parseBatchAct, parsePacedAct, parsePreviewedAct, type Act } from '../../../deliveries/acts.ts'
import {
  deadLetterFilter,
  deadLetterQuery,
  deadLetterSelection,
  type DeadLetters,
} from '../../../deliveries/dead-letters.ts'
import {
  blockedLanes,
  laneName,
  laneQuery,
  rewindTo,
  type LaneName,
  type Lanes,
  type RewindTo,
} from '../../../deliveries/lanes.ts'
import { parseOptions } from '../../../parse-options.ts'
import { listActs } from './act-log.ts'
import { dismissDeadLetters, retryBlockingLetters, retryDeadLetters } from './dead-letter-acts.ts'
import { namedAsNow, namesOfLane, storedFilter } from './names-asked-for.ts'
import { countDeadLetters, listDeadLetters } from './dead-letters.ts'
import { listLanes } from './lane-list.ts'
import { retryLane, showLane, skipHead } from './lanes.ts'
import { operating, type OperatorParts } from './operating.ts'
import { pause, pauseOfLane, refuseUnknownHandler, resume } from './pauses.ts'
import { handlerOf, oldestDeadOf, previewRewind, rewindLane } from './rewind.ts'

export function deadLettersIn({ connection, tables, registry }: OperatorParts): DeadLetters {
  const { look, act } = operating(connection, tables)
  const names = async () => (await registry.load()).names
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('deadLetters.list()', deadLetterQuery, given)
      const known = await names()
      const page = await look((pool) => listDeadLetters(pool, tables, { ...query, ...storedFilter(known, query) }))
      return { ...page, deadLetters: page.deadLetters.map((letter) => namedAsNow(known, letter)) }
    },
    async count(given = {}) {
      const filter = parseOptions('deadLetters.count()', deadLetterFilter, given)
      const stored = storedFilter(await names(), filter)
      return look((pool) => countDeadLetters(pool, tables, stored))
    },
    async retry(given, how) {
      const which = parseOptions('deadLetters.retry()', deadLetterSelection, given)
      const wanted = parseBatchAct('deadLetters.retry', how)
      const stored = storedFilter(await names(), which)
      return act(wanted, which, (pool, what) => retryDeadLetters(pool, tables, stored, what))
    },
    async dismiss(given, how) {
      const which = parseOptions('deadLetters.dismiss()', deadLetterSelection, given)
      const wanted = parseBatchAct('deadLetters.dismiss', how)
      const stored = storedFilter(await names(), which)
      return act(wanted, which, (pool, what) => dismissDeadLetters(pool, tables, stored, what))
    },
  } satisfies DeadLetters)
}

export function lanesIn({ connection, tables, registry }: OperatorParts): Lanes {
  const { look, act, actAtOnce } = operating(connection, tables)
  const names = async () => (await registry.load()).names

  async function rewind(wanted: Act & { readonly preview: boolean }, to: RewindTo) {
    const handler = handlerOf(await registry.load(), to)
    if (wanted.preview) return { count: await look((pool) => previewRewind(pool, tables, handler, to)) }
    return act(wanted, to, (pool, what) => rewindLane(pool, tables, { handler, to, ...what }))
  }

  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('lanes.list()', laneQuery, given)
      const known = await names()
      const { handler, ...rest } = query
      const stored = { ...rest, handlers: handler === undefined ? null : known.handlers.all(handler) }
      const page = await look((pool) => listLanes(pool, tables, stored))
      return { ...page, lanes: page.lanes.map((lane) => namedAsNow(known, lane)) }
    },
    async show(given) {
      const name = parseOptions('lanes.show()', laneName, given)
      const known = await names()
      const lane = await look((pool) => showLane(pool, tables, namesOfLane(known, name)))
      return lane && namedAsNow(known, lane)
    },
    async retry(given, how) {
      const name = parseOptions('lanes.retry()', laneName, given)
      const wanted = parseAct('lanes.retry', how)
      const lane = namesOfLane(await names(), name)
      return act(wanted, name, (pool, { note }) => retryLane(pool, tables, lane, note))
    },
    async retryAll(given, how) {
      const which = parseOptions('lanes.retryAll()', blockedLanes, given)
      const wanted = parsePacedAct('lanes.retryAll', how)
      const stored = storedFilter(await names(), which)
      if (wanted.preview) {
        const count = await look((pool) => countDeadLetters(pool, tables, stored, { blocking: true }))
        return { count: Math.min(count, wanted.limit) }
      }
      return act(wanted, which, (pool, what) => retryBlockingLetters(pool, tables, stored, what))
    },
    async skipHead(given, how) {
      const name = parseOptions('lanes.skipHead()', laneName, given)
      const wanted = parseAct('lanes.skipHead', how)
      const lane = namesOfLane(await names(), name)
      return actAtOnce(wanted, name, (within, what) => skipHead(within, tables, lane, what))
    },
    async rewind(given, how) {
      const to = parseOptions('lanes.rewind()', rewindTo, given)
      return rewind(parsePreviewedAct('lanes.rewind', how), to)
    },
    async repair(given, how) {
      const name = parseOptions('lanes.repair()', laneName, given)
      const wanted = parsePreviewedAct('lanes.repair', how)
      const handler = handlerOf(await registry.load(), name)
      const from = await look((pool) => oldestDeadOf(pool, tables, handler, name))
      return from === null ? { count: 0 } : rewind(wanted, { ...name, from })
    },
    async pause(given, how) {
      const name = parseOptions('lanes.pause()', laneName, given)
      const what = parseAct('lanes.pause', how)
      const known = await registry.load()
      return actAtOnce(what, name, async (within) => {
        await refuseUnknownHandler(within, tables, known, name.handler)
        return pause(within, tables, pauseOfLane(known, name), what)
      })
    },
    async resume(given, how) {
      const name: LaneName = parseOptions('lanes.resume()', laneName, given)
      const what = parseAct('lanes.resume', how)
      const known = await registry.load()
      return actAtOnce(what, name, (within) => resume(within, tables, pauseOfLane(known, name)))
    },
  } satisfies Lanes)
}

export function actsIn({ connection, tables }: OperatorParts): Acts {
  const { look } = operating(connection, tables)
  return Object.freeze({
    async list(given = {}) {
      const query = parseOptions('acts.list()', actQuery, given)
      return look((pool) => listActs(pool, tables, query))
    },
  } satisfies Acts)
}
