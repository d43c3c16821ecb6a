/** `bus.replay` and `bus.replays`: their arguments are checked here, before any SQL. */
import { randomUUID } from 'node:crypto'
import type { Codec } from '../../../codec/codec.ts'
import { parseAct, type Act } from '../../../deliveries/acts.ts'
import {
  replayId,
  replayQuery,
  replayResumption,
  type CheckedReplayQuery,
  type Replay,
  type ReplayPreview,
  type ReplayProgress,
  type ReplayQuery,
  type Replays,
  type ReplayState,
} from '../../../deliveries/replays.ts'
import type { ActOptions } from '../../../deliveries/acts.ts'
import { PostbusError } from '../../../errors.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Connection, Database } from '../connection.ts'
import { operating } from '../operating/operating.ts'
import type { Tables } from '../schema/tables.ts'
import type { Choosing } from './choose.ts'
import { endOfLog, storedNameOf } from './log-reader.ts'
import { countPending, previewReplay } from './preview-replay.ts'
import { countLog } from './read-log.ts'
import { byStoredTypes } from './stored-types.ts'
import { changeState, listReplays, progress, type StoredQuery } from './replay-rows.ts'
import { runReplay } from './replay-run.ts'

export interface ReplayParts {
  readonly connection: Connection
  readonly tables: Tables
  readonly codec: Codec
  readonly registry: LazyRegistry
}

export interface ReplaysIn {
  begin(query: ReplayQuery & { readonly dryRun?: boolean }, act?: ActOptions): Promise<Replay | ReplayPreview>
  readonly replays: Replays
  /** Stops the replays that run in this process. They go on with `resume`. */
  stop(): void
}

export function replaysIn({ connection, tables, codec, registry }: ReplayParts): ReplaysIn {
  const over = new AbortController()
  const { look, actAtOnce } = operating(connection, tables)

  async function change(act: Act, id: string, state: ReplayState): Promise<void> {
    await actAtOnce(act, { replay: id }, async (within) => {
      await changeState(within, tables, id, { state })
      return 1
    })
  }

  async function named(found: ReplayProgress): Promise<ReplayProgress> {
    return { ...found, handler: (await registry.load()).names.handlers.shown(found.handler) }
  }

  async function begin(database: Database, choosing: Choosing, query: CheckedReplayQuery, act: Act): Promise<Replay> {
    const { handler } = choosing
    const { ratePerSecond } = query
    const upTo = await endOfLog(database, tables, over.signal)
    if (query.pending === 'refuse')
      refusePending(handler, await countPending(database, tables, { handler, query, upTo }))
    const matching = await countLog(database, tables, query, { after: 0n, upTo })
    const runner = randomUUID()
    const stored: StoredQuery = {
      types: query.types,
      since: query.since?.toISOString(),
      until: query.until?.toISOString(),
      partitionKeys: query.partitionKeys,
      ratePerSecond,
      hasWhere: query.where !== undefined,
    }
    const id = randomUUID()
    await actAtOnce(act, { replay: id, handler: handler.name, ...stored }, async (within) => {
      await within.query(
        `insert into ${tables.replay} (id, handler, query, to_seq, matching, runner, by, reason) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [id, storedNameOf(handler), JSON.stringify(stored), String(upTo), matching, runner, act.by, act.reason],
      )
      return matching
    })
    return running({ id, choosing, filter: query, ratePerSecond, runner, matching, after: 0n, upTo }, database)
  }

  async function resume(database: Database, id: string, where: CheckedReplayQuery['where'], act: Act): Promise<Replay> {
    const { handler: name } = await progress(database, tables, id)
    const known = await registry.load()
    const choosing = { handler: handlerNamed(known, name), registry: known, codec, where }
    const runner = randomUUID()
    const { rows } = await database.query<Resumed>(
      `select query, matching, to_seq as "upTo" from ${tables.replay} where id = $1`,
      [id],
    )
    const { query, matching = 0, upTo = '0' } = rows[0] ?? {}
    if (query?.hasWhere && !where) throw whereIsMissing(id)
    await actAtOnce(act, { replay: id }, async (within) => {
      await changeState(within, tables, id, { state: 'running', runner })
      return 1
    })
    // Read after the change: from then on, the run before this one cannot move it.
    const { rows: places } = await database.query<{ after: string }>(
      `select after_seq as after from ${tables.replay} where id = $1`,
      [id],
    )
    const after = BigInt(places[0]?.after ?? 0)
    const { ratePerSecond } = query ?? {}
    const filter = filterOf(query)
    return running(
      { id, choosing, filter, ratePerSecond, runner, matching: Number(matching), after, upTo: BigInt(upTo) },
      database,
    )
  }

  function running(run: Run, database: Database): Replay {
    const { id, matching, ...rest } = run
    const { handler } = run.choosing
    const done = runReplay({ ...rest, id, database, tables, over: over.signal }).then(named)
    done.catch(() => undefined) // a rejection must not end a process that does not await it
    return Object.freeze({
      id,
      handler: handler.name,
      matching,
      done,
      progress: async () => named(await look((pool) => progress(pool, tables, id))),
      pause: async (how) => change(parseAct('replays.pause', how), id, 'paused'),
      resume: async (how) => change(parseAct('replays.resume', how), id, 'running'),
      cancel: async (how) => change(parseAct('replays.cancel', how), id, 'cancelled'),
    } satisfies Replay)
  }

  return {
    async begin(given, how) {
      const asked = parseOptions('replay()', replayQuery, given)
      const act = parseAct('replay', how)
      const known = await registry.load()
      const query = byStoredTypes(known, asked)
      const choosing = { handler: handlerNamed(known, query.handler), registry: known, codec, where: query.where }
      return look(async (database) => {
        if (!query.dryRun) return begin(database, choosing, query, act)
        const upTo = await endOfLog(database, tables, over.signal)
        return previewReplay(database, tables, { choosing, filter: query, upTo })
      })
    },
    replays: Object.freeze({
      list: async () => Promise.all((await look((database) => listReplays(database, tables))).map(named)),
      async get(given) {
        const id = parseOptions('replays.get()', replayId, given)
        const [found] = await look((database) => listReplays(database, tables, id))
        return found ? named(found) : null
      },
      async resume(given, how = {}) {
        const id = parseOptions('replays.resume()', replayId, given)
        const { where, ...options } = typeof how === 'object' && how !== null ? how : {}
        const act = parseAct('replays.resume', options)
        const checked = parseOptions('replays.resume()', replayResumption, where === undefined ? {} : { where })
        return look((database) => resume(database, id, checked.where, act))
      },
      async pause(given, how) {
        await change(parseAct('replays.pause', how), parseOptions('replays.pause()', replayId, given), 'paused')
      },
      async cancel(given, how) {
        await change(parseAct('replays.cancel', how), parseOptions('replays.cancel()', replayId, given), 'cancelled')
      },
    } satisfies Replays),
    stop: () => over.abort(),
  }
}

interface Run {
  readonly id: string
  readonly choosing: Choosing
  readonly filter: Parameters<typeof countLog>[2]
  readonly ratePerSecond: number | undefined
  readonly runner: string
  readonly matching: number
  readonly after: bigint
  readonly upTo: bigint
}

interface Resumed {
  readonly query: StoredQuery
  readonly matching: string
  readonly upTo: string
}

function handlerNamed({ handlers, handlerNamed: find }: Registry, name: string): AnyHandler {
  const found = find(name)
  if (found) return found
  const known = handlers.map((handler) => handler.name).join(', ')
  throw new PostbusError(
    'POSTBUS_UNKNOWN_HANDLER',
    `No handler is named "${name}" here. There are: ${known || 'none'}.`,
  )
}

function filterOf({ types, since, until, partitionKeys }: Partial<StoredQuery> = {}): Run['filter'] {
  return {
    ...(types && { types }),
    ...(since && { since: new Date(since) }),
    ...(until && { until: new Date(until) }),
    ...(partitionKeys && { partitionKeys }),
  }
}

function refusePending({ name }: AnyHandler, count: number): void {
  if (count === 0) return
  throw new PostbusError(
    'POSTBUS_REPLAY_PENDING',
    `${count} of these deliveries to "${name}" wait or run. Wait for them, or pass over them with \`pending: 'skip'\`. Nothing was replayed.`,
  )
}

function whereIsMissing(id: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `Replay ${id} was begun with \`where\`, which is not stored. Resume it in code, with the same function: bus.replays.resume('${id}', { where })`,
  )
}
