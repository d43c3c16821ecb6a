import { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import { createBus } from '../../src/bus.ts'
import { busOptions, drainOptions, workerOptions } from '../../src/options.ts'
import { parseOptions } from '../../src/parse-options.ts'
import { refusalOf } from './refusal.ts'

describe('the options of a bus', () => {
  test('get their defaults when nothing is given', () => {
    const options = parseOptions('createBus()', busOptions, {})

    expect(options).toEqual({
      events: [],
      handlers: [],
      schedules: [],
      backend: 'postgres',
      schema: 'postbus',
      pgbossSchema: 'pgboss',
      service: 'main',
      codecs: [],
      middleware: [],
      maxPayloadBytes: 1_048_576,
      poolSize: 5,
      connectTimeoutMs: 10_000,
      queryTimeoutMs: 10_000,
      retentionMs: 2_592_000_000,
      requireTransaction: false,
      vacuum: true,
    })
  })

  test.each([
    { connectionString: 'postgres://shop:secret@localhost:5432/shop' },
    { connectionString: 'postgresql:///shop' },
    { connectionString: async () => 'postgres://localhost/shop' },
    {
      connection: { host: 'db', port: 5432, user: 'app', database: 'shop', ssl: { ca: 'PEM' }, options: '-c jit=off' },
    },
    { connection: { connectionString: 'postgres://localhost/shop', password: async () => 'token' } },
    { pool: new Pool() },
    { connectionString: 'postgres://pooler/shop', listen: { connectionString: 'postgres://server/shop' } },
    { pool: new Pool(), listen: false },
    { preparedStatements: false },
    { handlers: () => import('../../src/index.ts') },
    { currentTransaction: () => undefined },
    { source: 's'.repeat(512) },
    { maxPayloadBytes: 1_024 },
    { maxPayloadBytes: 67_108_864 },
    { poolSize: 1_000 },
    { connectTimeoutMs: 100 },
    { queryTimeoutMs: 600_000 },
  ])('are kept as they are given: %j', (given) => {
    const options = parseOptions('createBus()', busOptions, given)

    expect(options).toMatchObject(given)
  })

  test.each([
    [{ connectionString: 'mysql://localhost/shop' }, 'expected postgres://user:password@host:port/database'],
    [{ connectionString: 5432 }, 'connectionString'],
    [{ connection: { max: 10 } }, 'Unrecognized key: "max"'],
    [{ connection: { port: '5432' } }, 'connection.port'],
    [{ connection: 'postgres://localhost' }, 'connection'],
    [{ pool: { connect: () => undefined } }, 'expected a Pool of the `pg` package'],
    [{ connectionString: 'postgres://a/b', pool: new Pool() }, 'expected at most one of'],
    [{ connectionString: 'postgres://a/b', connection: {} }, 'expected at most one of'],
    [{ listen: true }, 'listen'],
    [{ listen: {} }, 'listen'],
    [{ preparedStatements: 'no' }, 'preparedStatements'],
    [{ handlers: 'handlers' }, 'expected handlers'],
    [{ schema: 'Postbus' }, 'schema'],
    [{ service: 'My service' }, 'service'],
    [{ schema: 'post"bus' }, 'schema'],
    [{ pgbossSchema: 'a'.repeat(49) }, 'pgbossSchema'],
    [{ source: '' }, 'source'],
    [{ source: 's'.repeat(513) }, 'source'],
    [{ codecs: {} }, 'expected an array of codecs'],
    [{ maxPayloadBytes: 1_023 }, 'maxPayloadBytes'],
    [{ maxPayloadBytes: 67_108_865 }, 'maxPayloadBytes'],
    [{ poolSize: 0 }, 'poolSize'],
    [{ poolSize: 1_001 }, 'poolSize'],
    [{ connectTimeoutMs: 99 }, 'connectTimeoutMs'],
    [{ queryTimeoutMs: 600_001 }, 'queryTimeoutMs'],
    [{ onSignal: 'console' }, 'expected a function'],
    [{ retries: 3 }, 'Unrecognized key: "retries"'],
    [null, 'expected object'],
  ])('are refused with a sentence that names the problem: %j', (given, says) => {
    const error = refusalOf(() => createBus(given as never))

    expect(error.code).toBe('POSTBUS_INVALID_OPTIONS')
    expect(error.message).toContain('createBus(): its options are not acceptable.\n✖ ')
    expect(error.message).toContain(says)
  })

  test('are refused with all problems together, each on its own line with its place', () => {
    const error = refusalOf(() => createBus({ poolSize: 0, source: '', retries: 1 } as never))

    expect(error.message.split('\n').slice(1)).toEqual([
      '✖ Unrecognized key: "retries"',
      expect.stringContaining('✖ Too small'),
      '  → at poolSize',
      expect.stringContaining('✖ Too small'),
      '  → at source',
    ])
  })

  test('are refused without showing a connection string, which holds a password', () => {
    const error = refusalOf(() => createBus({ connectionString: 'pg://shop:hunter2@localhost/shop' }))

    expect(error.message).not.toContain('hunter2')
  })
})

describe('the options of a worker', () => {
  test('get their defaults when none is given', () => {
    const options = parseOptions('bus.worker()', workerOptions, {})

    expect(options).toEqual({ shutdownGraceMs: 30_000, pollMs: 2_000 })
    expect(parseOptions('bus.drain()', drainOptions, {})).toEqual({ shutdownGraceMs: 30_000 })
  })

  test.each([
    [{ queues: { events: 0 } }, 'queues.events'],
    [{ queues: { events: 10_001 } }, 'queues.events'],
    [{ queues: { events: 1.5 } }, 'queues.events'],
    [{ queues: { Events: 1 } }, 'queues.Events'],
    [{ queues: ['events'] }, 'queues'],
    [{ shutdownGraceMs: -1 }, 'shutdownGraceMs'],
    [{ shutdownGraceMs: 3_600_001 }, 'shutdownGraceMs'],
    [{ pollMs: 49 }, 'pollMs'],
    [{ pollMs: 60_001 }, 'pollMs'],
    [{ concurrency: 5 }, 'Unrecognized key: "concurrency"'],
  ])('are refused with a sentence that names the problem: %j', (given, says) => {
    const bus = createBus({})

    const error = refusalOf(() => bus.worker(given as never))

    expect(error.code).toBe('POSTBUS_INVALID_OPTIONS')
    expect(error.message).toContain('bus.worker(): its options are not acceptable.\n✖ ')
    expect(error.message).toContain(says)
  })
})

describe('every option', () => {
  test.each([
    ['a bus', busOptions],
    ['a worker', workerOptions],
  ])('of %s has a description for the tables of the documentation', (_, schema) => {
    const undescribed = Object.entries(schema.shape).filter(([, option]) => !option.description)

    expect(undescribed).toEqual([])
  })
})
