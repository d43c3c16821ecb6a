/** The options that say where a bus's database is and how its connections are used: part of the options of `createBus`. */
import { z } from 'zod'
import type { PgPool } from './backends/postgres/connections/given.ts'

const functionLike = (value: unknown) => typeof value === 'function'
const aFunction = <Type>() => z.custom<Type>(functionLike, 'expected a function')

const connectionString = z.union([
  z.string().regex(/^postgres(ql)?:\/\//, 'expected postgres://user:password@host:port/database'),
  z.custom<() => string | Promise<string>>(functionLike, 'expected text or a function'),
])

/**
 * Option names of the `pg` package. Limits, pools and the parsing of values are missing here: Postbus has options of
 * its own for the first two, and parses values itself.
 */
const connection = z.strictObject({
  connectionString: z.string().optional(),
  host: z.string().optional(),
  port: z.int().min(1).max(65_535).optional(),
  database: z.string().optional(),
  user: z.string().optional(),
  password: z.union([z.string(), aFunction<() => string | Promise<string>>()]).optional(),
  ssl: z
    .union([z.boolean(), z.custom<object>(isObject, 'expected true, false, or the options of node:tls')])
    .optional(),
  sslnegotiation: z.enum(['postgres', 'direct']).optional(),
  enableChannelBinding: z.boolean().optional(),
  options: z.string().optional(),
  application_name: z.string().optional(),
  stream: aFunction<() => object>().optional(),
})

const pool = z.custom<PgPool>(isPool, 'expected a Pool of the `pg` package')

export const connectionOptions = {
  connectionString: connectionString
    .optional()
    .describe(
      'Where the database is, or a function that finds out: asked for each new connection, so a password may rotate. Only a bus that always gets a `tx` can do without this, `connection` and `pool`.',
    ),
  connection: connection
    .optional()
    .describe(
      'Instead of `connectionString`: options of the `pg` package, such as `host`, `ssl: { ca }`, `password: async () => token` (asked for each new connection), `options`.',
    ),
  pool: pool
    .optional()
    .describe(
      'Instead of `connectionString`: a `Pool` of the `pg` package that you have. The bus uses it and never closes it. A worker opens up to four connections of its own beside it, with the same options.',
    ),
  listen: z
    .union([
      z.literal(false),
      z
        .strictObject({ connectionString: connectionString.optional(), connection: connection.optional() })
        .superRefine((given, context) => {
          if (countOf(given) !== 1) context.addIssue('expected `connectionString` or `connection`')
        }),
    ])
    .optional()
    .describe(
      'Where a worker LISTENs for new events, when everything else goes through a transaction pooler: `{ connectionString }` or `{ connection }` of the server itself. `false`: nowhere, workers look every `pollMs`.',
    ),
  preparedStatements: z
    .boolean()
    .optional()
    .describe(
      'Whether the statements that are sent most are prepared once for each connection. Default: yes, but not through a pooler nor in a `pool` of yours. `true` there too: for a pooler that knows prepared statements.',
    ),
  poolSize: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('Connections in the bus’s own pool, used by publishes without `tx` and by a worker.'),
  connectTimeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe('How long to wait for a connection, in milliseconds.'),
  queryTimeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe('How long to wait for the answer to one of our own statements, in milliseconds.'),
}

/** Refuses options that name the database in more than one way. */
export function atMostOneConnection(given: object, context: z.RefinementCtx): void {
  if (countOf(given) <= 1) return
  context.addIssue(
    'expected at most one of `connectionString`, `connection` and `pool`: each says where the database is',
  )
}

function countOf(given: object): number {
  return ['connectionString', 'connection', 'pool'].filter((name) => Reflect.get(given, name) !== undefined).length
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function isPool(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const hasMethods = ['connect', 'query', 'end'].every((name) => typeof Reflect.get(value, name) === 'function')
  return hasMethods && typeof Reflect.get(value, 'totalCount') === 'number' && isObject(Reflect.get(value, 'options'))
}
