/** The examples that tell a story and end: each is started by its command as a user does, on its own database. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { openReceiver } from '../../examples/webhooks/receiver.ts'
import { newSecret } from '../../examples/webhooks/webhooks.ts'
import { createDatabase } from '../support/database.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Processes start slowly on a busy machine. */
const LIMIT_MS = 240_000

test.each(['drizzle', 'prisma'])(
  '%s: a row and its event are both committed or neither, and a failed attempt leaves nothing behind',
  async (name) => {
    const story = await told(name)

    expect(story.filter((line) => /^o-\d is /.test(line))).toEqual([
      'o-1 is placed',
      'o-2 is refused: it is over the limit',
      'o-3 is placed',
    ])
    expect(story.filter((line) => line.startsWith('attempt'))).toEqual([
      'attempt 1 for o-1 adds 40 points and fails: rolled back',
      'attempt 2 for o-1 adds 40 points',
      'attempt 1 for o-3 adds 2 points',
    ])
    expect(story.slice(-2)).toEqual(['orders: o-1, o-3; events: 2', 'ada has 42 points'])
  },
  LIMIT_MS,
)

test(
  'saga: one order goes well, one is refunded and cancelled, one is a dead letter',
  async () => {
    expect(await told('saga')).toEqual([
      'payments: o-1 is charged 42 eur',
      'o-1 is confirmed',
      'payments: o-2 is charged 42 eur',
      'stock: there is no cup for o-2',
      'payments: o-2 is refunded, because there is no cup',
      'o-2 is cancelled',
      '  orders.order-placed',
      '    payments.payment-taken by payments.charge',
      '      stock.reservation-failed by stock.reserve',
      '        payments.payment-refunded by payments.refund',
      '          orders.order-cancelled by orders.follow',
      'o-3 is placed',
      '5 events have the correlation id "order o-2"',
      'dead at once: payments.charge of o-3: the provider takes no shells',
    ])
  },
  LIMIT_MS,
)

test(
  'projection: a read model that is added later includes earlier events, and a rebuild gives the same result',
  async () => {
    expect(await told('projection')).toEqual([
      'four orders are published, and no handler is there',
      'the handler is added with a backfill: ada 42, bob 10',
      'two more orders: ada 142, bob 10, eve 5 (4 from before the handler was there, 2 since)',
      'a mistake in the table: ada 0, bob 10, eve 5',
      'built again from the log: ada 142, bob 10, eve 5',
      'the events themselves say: ada 142, bob 10, eve 5',
      'they agree',
    ])
  },
  LIMIT_MS,
)

test(
  'webhooks: one endpoint works, one gets its event after a retry, one is disabled, and a forged webhook is refused',
  async () => {
    const story = (await told('webhooks')).map((line) => line.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST'))

    expect(story.filter((line) => line.includes('→'))).toEqual([
      'o-1 → ada: done in attempt 1',
      'o-1 → bob: done in attempt 2 (WebhookError: http://HOST returned 503)',
      'o-1 → eve: skipped in attempt 1 (http://HOST returned 410)',
      'o-2 → ada: done in attempt 1',
      'o-2 → bob: done in attempt 1',
      'o-2 → eve: skipped in attempt 1 (there is no endpoint for it)',
    ])
    expect(story.filter((line) => line.includes('signature')).toSorted()).toEqual([
      'ada has a webhook with a good signature',
      'ada has a webhook with a good signature',
      'bob has a webhook with a good signature',
      'bob has a webhook with a good signature',
    ])
    expect(story.at(-1)).toBe('ada returns 401 to a forged webhook')
  },
  LIMIT_MS,
)

test('the receiver of webhooks accepts what the Standard Webhooks library signs, and refuses old, altered and foreign messages', async () => {
  const [secret, another] = [newSecret(), newSecret()]
  const receiver = await openReceiver(
    () => secret,
    () => 204,
  )
  onTestFinished(() => receiver.close())
  const send = async (signature: string, body: string, sentAt: Date) => {
    const timestamp = String(Math.floor(sentAt.getTime() / 1_000))
    const headers = { 'webhook-id': 'm-1', 'webhook-timestamp': timestamp, 'webhook-signature': signature }
    return (await fetch(receiver.url, { method: 'POST', headers, body })).status
  }
  const sign = (by: string, sentAt: Date) => new Webhook(by).sign('m-1', sentAt, '{}')
  const hourAgo = new Date(Date.now() - 3_600_000)
  const now = new Date()

  expect(await send(sign(secret, now), '{}', now)).toBe(204)
  expect(await send(`${sign(another, now)} ${sign(secret, now)}`, '{}', now)).toBe(204)
  expect(await send(sign(another, now), '{}', now)).toBe(401)
  expect(await send(sign(secret, now), '{ }', now)).toBe(401)
  expect(await send(sign(secret, hourAgo), '{}', hourAgo)).toBe(401)
  expect(await send('', '{}', now)).toBe(401)
})

test('the list of examples names each of them, with a command that exists', () => {
  const folders = readdirSync(resolve(ROOT, 'examples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  const rows = [...read('examples/README.md').matchAll(/^\| \[(\S+)\]\(\S+\)\s*\| `(.+?)`/gm)]
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const commands = rows.flatMap(([, , command]) => /^npm run (\S+)/.exec(command!)?.[1] ?? [])

  expect(rows.map(([, name]) => name)).toEqual(folders.toSorted())
  expect(commands.filter((command) => scripts[command] === undefined)).toEqual([])
})

function read(file: string): string {
  return readFileSync(resolve(ROOT, file), 'utf8')
}

/** The lines that the example printed. The example has ended with success, and left nothing in the database. */
async function told(name: string): Promise<readonly string[]> {
  const { connectionString, drop } = await createDatabase()
  onTestFinished(() => drop())
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env

  const { stdout } = await promisify(execFile)('npm', ['run', '-s', `example:${name}`], {
    cwd: ROOT,
    env: { PATH, HOME, NODE_COMPILE_CACHE, DATABASE_URL: connectionString },
    timeout: LIMIT_MS,
  })

  expect(await schemasIn(connectionString)).toEqual(['public'])
  return stdout.split('\n').filter((line) => line !== '')
}

async function schemasIn(connectionString: string): Promise<readonly string[]> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query<{ nspname: string }>(
      "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
    )
    return rows.map(({ nspname }) => nspname)
  } finally {
    await client.end()
  }
}
