/**
 * Transactional handlers in a separate process, one for each database client, each with a queue of its own. An effect is a row. There
 * are few keys, so that lanes form. A quarter of the effects publish another one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import {
  createBus,
  defineBatchHandler,
  defineEvent,
  defineHandler,
  type AnyHandler,
  type Bus,
  type EventOf,
  type TransactionalContext,
} from '../../src/index.ts'
import { openTransaction } from '../../src/transactions/open-transaction.ts'
import type { OpenClient } from '../support/clients/open-client.ts'

const KEYS = 20

export const Wanted = defineEvent('effects.wanted', {
  schema: z.object({ client: z.string(), n: z.int(), level: z.int() }),
  partitionKey: ({ n }) => (n % 2 === 0 ? `key-${n % KEYS}` : null),
})

/** How the handlers get their events. */
export interface Kind {
  readonly delivery: 'job' | 'log'
  readonly isBatch?: boolean
}

export function handlerFor(client: string, { delivery, isBatch = false }: Kind): AnyHandler {
  const name = client.replaceAll(/[^a-z]+/g, '-')
  const options = {
    on: Wanted,
    queue: `effects_${name.replaceAll('-', '_')}`,
    interested: ({ data }: EventOf<typeof Wanted>) => data.client === client,
    transactional: true,
    delivery,
    maxAttempts: 100,
    backoff: { initialMs: 1, factor: 1, jitter: 0 },
  } as const
  if (isBatch)
    return defineBatchHandler(`effects.${name}`, {
      ...options,
      batchSize: 10,
      maxWaitMs: 5,
      async handle(events, { tx, publish }) {
        for (const event of events) await takeEffect(event, { tx, publish })
      },
    })
  return defineHandler(`effects.${name}`, { ...options, handle: (event, context) => takeEffect(event, context) })
}

async function takeEffect(
  { data: { client, n, level } }: EventOf<typeof Wanted>,
  { tx, publish }: Pick<TransactionalContext, 'tx' | 'publish'>,
): Promise<void> {
  await openTransaction(tx).executeSql('insert into effect values ($1, $2::text::integer, $3::text::integer)', [
    client,
    String(n),
    String(level),
  ])
  if (level === 0 && n % 4 < 2) await publish(Wanted({ client, n, level: 1 }))
  await sleep(Math.random() * 20)
}

/** The clients by their names in `support/clients.ts`. Each is loaded only when needed, because loading all takes seconds. */
const OPEN: Readonly<Record<string, (connectionString: string) => Promise<OpenClient>>> = {
  kysely: async (url) => (await import('../support/clients/kysely.ts')).openKysely(url),
  'kysely, controlled': async (url) => (await import('../support/clients/kysely.ts')).openControlledKysely(url),
  pg: async (url) => (await import('../support/clients/pg.ts')).openPg(url),
  'postgres.js': async (url) => (await import('../support/clients/postgres-js.ts')).openPostgresJs(url),
  'drizzle over pg': async (url) => (await import('../support/clients/drizzle.ts')).openDrizzleNodePostgres(url),
  'drizzle over postgres.js': async (url) => (await import('../support/clients/drizzle.ts')).openDrizzlePostgresJs(url),
  knex: async (url) => (await import('../support/clients/knex.ts')).openKnex(url),
  prisma: async (url) => (await import('../support/clients/prisma.ts')).openPrisma(url),
  typeorm: async (url) => (await import('../support/clients/typeorm.ts')).openTypeorm(url),
  'typeorm, query runner': async (url) => (await import('../support/clients/typeorm.ts')).openTypeormRunner(url),
  'mikro-orm': async (url) => (await import('../support/clients/mikro-orm.ts')).openMikroOrm(url),
  executeSql: async (url) => (await import('../support/clients/pg.ts')).openExecuteSql(url),
}

export const CLIENTS: readonly string[] = Object.keys(OPEN)

/** A worker for each of the clients. */
export async function workWith(
  clients: readonly string[],
  kind: Kind,
  connectionString: string,
): Promise<readonly Bus[]> {
  return Promise.all(
    clients.map(async (name) => {
      const client = await OPEN[name]!(connectionString)
      const bus = createBus({
        connectionString,
        handlers: [handlerFor(name, kind)],
        poolSize: 2,
        onSignal: () => undefined,
        transaction: (work) => client.inTransaction(({ tx }) => work(tx)),
      })
      const { queue } = handlerFor(name, kind).options
      await bus.worker({ queues: { [queue]: 2, [`${queue}_partitioned`]: 2 }, pollMs: 100 }).start()
      return bus
    }),
  )
}
