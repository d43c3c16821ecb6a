/** The Fastify plugin: everything that a request writes and publishes is one commit, before the reply. */
import { Readable } from 'node:stream'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, type PoolClient } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { postbusFastify, type PostbusFastifyOptions } from '../../src/fastify/index.ts'
import type { RunTransaction } from '../../src/transactions/register.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { inTransaction } from '../support/in-transaction.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

let opened: TestBus
let pool: Pool
let app: FastifyInstance

beforeAll(async () => {
  opened = await openTestBus()
  await opened.database.query(`create table note (n integer);
    create table once (n integer unique deferrable initially deferred)`)
  pool = new Pool({ connectionString: opened.connectionString, max: 2 })
})

afterEach(async () => {
  await app.close()
  await opened.database.query('truncate note, once')
  await opened.bus.events.delete({ all: true }, { by: 'the test', reason: 'the next one' })
})

afterAll(async () => {
  await pool.end()
  await opened.close()
})

const byPool: RunTransaction = (work) => inTransaction(pool, 'begin', work)

async function anApp(options: Partial<PostbusFastifyOptions> = {}): Promise<FastifyInstance> {
  app = fastify()
  await app.register(postbusFastify, { bus: opened.bus, transaction: byPool, ...options })
  return app
}

/** A route that writes and publishes, and then calls `then`. */
async function aRoute(then: (request: FastifyRequest, reply: FastifyReply) => unknown, options = {}) {
  await anApp(options)
  app.post('/notes', { config: { transaction: true } }, async (request, reply) => {
    await (request.tx as PoolClient).query('insert into note values (1)')
    await request.publish(NoteTaken({ n: 1 }))
    return then(request, reply)
  })
  return () => app.inject({ method: 'POST', url: '/notes', payload: {} })
}

/** The committed rows, as other connections see them. */
async function stored(): Promise<{ notes: number; events: number }> {
  const { rows } = await opened.database.query<{ notes: number; events: number }>(
    `select (select count(*) from note)::integer as notes, (select count(*) from postbus.event)::integer as events`,
  )
  return rows[0]!
}

const BOTH = { notes: 1, events: 1 }
const NEITHER = { notes: 0, events: 0 }

describe('a route in a transaction commits', () => {
  test.each<[string, (request: FastifyRequest, reply: FastifyReply) => unknown, number]>([
    ['what it returns', () => ({ ok: true }), 200],
    ['a status', (_, reply) => reply.code(201).send({ ok: true }), 201],
    ['what it sends without returning', (_, reply) => void reply.send('ok'), 200],
    ['a redirection', (_, reply) => reply.redirect('/elsewhere'), 302],
    ['nothing', () => undefined, 200],
    ['a stream', () => Readable.from(['o', 'k']), 200],
  ])('that replies %s', async (_, then, status) => {
    const post = await aRoute(then)

    expect((await post()).statusCode).toBe(status)
    expect(await stored()).toEqual(BOTH)
  })

  test('before the reply is sent, both when it is returned and when `send` is called', async () => {
    const seen: unknown[] = []
    const post = await aRoute((_, reply) => reply.send('ok'))
    app.addHook('onSend', async () => void seen.push(await stored()))

    await post()

    expect(seen).toEqual([BOTH])
  })

  test('also when its handler is synchronous and sends later', async () => {
    await anApp()
    app.get('/notes', { config: { transaction: true } }, (request, reply) => {
      setTimeout(() => void request.publish(NoteTaken({ n: 1 })).then(() => reply.send('later')), 5)
    })

    const { body, statusCode } = await app.inject('/notes')

    expect([statusCode, body, (await stored()).events]).toEqual([200, 'later', 1])
  })

  test('even if its client has gone, because the client cannot know how far the request came', async () => {
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    let isServed = false
    await aRoute(async () => {
      isServed = true
      await gate
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const leaving = new AbortController()
    const asked = fetch(`${url}/notes`, { method: 'POST', signal: leaving.signal }).catch(() => 'gone')
    await until('it is being served', () => isServed)
    leaving.abort()
    expect(await asked).toBe('gone')
    goOn()

    await until('it is committed', async () => (await stored()).events === 1)
    await until('its connection is free', () => pool.idleCount === pool.totalCount)
  })
})

describe('a route in a transaction rolls back', () => {
  test.each<[string, (request: FastifyRequest, reply: FastifyReply) => unknown, number]>([
    ['throws', () => Promise.reject(new Error('no')), 500],
    ['replies a status of 404', (_, reply) => reply.code(404).send({ no: true }), 404],
    ['returns with a status of 409', (_, reply) => void reply.code(409), 409],
    ['sends an error', (_, reply) => reply.send(Object.assign(new Error('no'), { statusCode: 422 })), 422],
    ['returns an error', () => new Error('no'), 500],
  ])('that %s', async (_, then, status) => {
    const post = await aRoute(then)

    expect((await post()).statusCode).toBe(status)
    expect(await stored()).toEqual(NEITHER)
  })

  test('whose commit fails, and the client gets an error, even if the handler has sent a reply', async () => {
    const post = await aRoute(async ({ tx }, reply) => {
      await (tx as PoolClient).query('insert into once values (1), (1)') // fails at the commit
      return reply.code(201).send('done')
    })

    const { statusCode, body } = await post()

    expect([statusCode, body.includes('done')]).toEqual([500, false])
    expect(await stored()).toEqual(NEITHER)
  })
})

describe('request.inTransaction', () => {
  test('returns the result of its work after the commit; an error rolls back, and the route goes on', async () => {
    await anApp()
    app.post('/notes', async (request) => {
      const refused = await request.inTransaction(() => Promise.reject(new Error('no'))).catch(String)
      const kept = await request.inTransaction(async () => {
        await request.publish(NoteTaken({ n: 2 }))
        return 'kept'
      })
      return { refused, kept, ...(await stored()) }
    })

    const { json } = await app.inject({ method: 'POST', url: '/notes' })

    expect(json()).toEqual({ refused: 'Error: no', kept: 'kept', notes: 0, events: 1 })
  })

  test.each<[string, (request: FastifyRequest) => unknown, string]>([
    ['request.tx without one', ({ tx }) => tx, 'POSTBUS_TRANSACTION_REQUIRED'],
    [
      'a second one inside of it',
      (request) => request.inTransaction(() => request.inTransaction(async () => undefined)),
      'POSTBUS_INVALID_OPTIONS',
    ],
    [
      'a publish after its end',
      async (request) => {
        await request.inTransaction(async () => undefined)
        await request.publish(NoteTaken({ n: 3 }))
      },
      'POSTBUS_TRANSACTION_FINISHED',
    ],
  ])('%s is refused', async (_, does, code) => {
    await anApp()
    app.get('/', async (request) => does(request))

    expect((await app.inject('/')).json()).toMatchObject({ statusCode: 500, code })
    expect(await stored()).toEqual(NEITHER)
  })

  test('outside a transaction request.publish is bus.publish', async () => {
    await anApp({ transaction: undefined })
    app.get('/', async (request) => (await request.publish(NoteTaken({ n: 1 }))).events.length)

    expect((await app.inject('/')).body).toBe('1')
  })
})

test('Kysely’s transactions work too, the bus’s `transaction` is the default, and the plugin closes a bus that it made', async () => {
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
  const { connectionString } = opened
  app = fastify()
  const transaction: RunTransaction = (work) => db.transaction().execute(work)
  await app.register(postbusFastify, { bus: { connectionString, transaction, onSignal: () => undefined } })
  app.post('/notes', { config: { transaction: true } }, async (request, reply) => {
    await sql`insert into note values (1)`.execute(request.tx as Kysely<object>)
    await request.publish(NoteTaken({ n: 1 }))
    return reply.code(request.headers['x-fails'] ? 400 : 201).send()
  })

  await app.inject({ method: 'POST', url: '/notes', headers: { 'x-fails': 'yes' } })
  expect(await stored()).toEqual(NEITHER)
  await app.inject({ method: 'POST', url: '/notes' })
  expect(await stored()).toEqual(BOTH)

  await app.close()
  await expect(app.bus.events.count()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})

test('a HEAD of such a route is one transaction, like a GET', async () => {
  await anApp()
  app.get('/notes', { config: { transaction: true } }, async (request) => {
    await (request.tx as PoolClient).query('insert into note values (1)')
    return 'noted'
  })

  expect((await app.inject({ method: 'HEAD', url: '/notes' })).statusCode).toBe(200)
  expect(await stored()).toEqual({ notes: 1, events: 0 })
})

test('events get the context of their request, also after its body was read', async () => {
  await aRoute(() => undefined, {
    context: ({ headers }: FastifyRequest) => ({ correlationId: String(headers['x-request-id']), source: 'api' }),
  })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const headers = { 'x-request-id': 'request 1', 'content-type': 'application/json' }
  await fetch(`${address}/notes`, { method: 'POST', headers, body: JSON.stringify({ large: 'x'.repeat(900_000) }) })

  const { events } = await opened.bus.events.list()
  expect(events).toMatchObject([{ correlationId: 'request 1', source: 'api' }])
})
