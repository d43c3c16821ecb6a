/** The proxy that simulates faults of the network does what its modes say. */
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

let target: TestDatabase

beforeAll(async () => {
  target = await createDatabase()
})

afterAll(() => target.drop())

test('passes statements and answers on', async () => {
  const { proxy } = await aProxy()

  const client = await connected(proxy)

  expect(await answerTo(client, 'select 42 as answer')).toBe(42)
})

test('refuses new connections and keeps the open ones', async () => {
  const { proxy } = await aProxy()
  const client = await connected(proxy)

  proxy.set('refuse')

  await expect(connected(proxy)).rejects.toThrow(/ECONNRESET|terminated/)
  expect(await answerTo(client, 'select 42 as answer')).toBe(42)
})

test('a black hole answers nothing, and a connection that fell in stays silent', async () => {
  const { proxy } = await aProxy()
  const client = await connected(proxy)

  proxy.set('blackhole')
  await expect(answerTo(client, 'select 42 as answer')).rejects.toThrow('Query read timeout')
  proxy.set('pass')

  await expect(answerTo(client, 'select 42 as answer')).rejects.toThrow('Query read timeout')
  expect(await answerTo(await connected(proxy), 'select 42 as answer')).toBe(42)
})

test('resets the connections that sent a text, and no others', async () => {
  const { proxy } = await aProxy()
  const [listening, other] = [await connected(proxy), await connected(proxy)]
  await listening.query('listen something')

  expect(proxy.reset('listen something')).toBe(1)

  await expect(answerTo(listening, 'select 42 as answer')).rejects.toThrow(/ECONNRESET|terminated|not queryable/)
  expect(await answerTo(other, 'select 42 as answer')).toBe(42)
})

test('cuts the line after a statement was done and before its answer arrives', async () => {
  const { proxy } = await aProxy()
  const client = await connected(proxy)
  await client.query('create table proxy_note (n integer)')

  const cut = proxy.cutAfter('insert into proxy_note')
  await expect(client.query('insert into proxy_note values ($1)', [7])).rejects.toThrow(/ECONNRESET|terminated/)
  await cut

  const another = await connected(proxy)
  expect(await answerTo(another, 'select count(*)::integer as answer from proxy_note')).toBe(1)
})

test('a delay holds up each way', async () => {
  const { proxy } = await aProxy()
  const client = await connected(proxy)

  proxy.delay(60)
  const startedAt = performance.now()
  await client.query('select 1')

  expect(performance.now() - startedAt).toBeGreaterThan(118)
})

async function aProxy(): Promise<{ proxy: TcpProxy }> {
  const proxy = await openTcpProxy(target.connectionString)
  onTestFinished(() => proxy.close())
  return { proxy }
}

async function connected(proxy: TcpProxy): Promise<Client> {
  const connectionString = proxy.through(target.connectionString)
  const client = new Client({ connectionString, query_timeout: 300, connectionTimeoutMillis: 2_000 })
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => void client.end().catch(() => undefined))
  return client
}

async function answerTo(client: Client, question: string): Promise<unknown> {
  const { rows } = await client.query<{ answer: unknown }>(question)
  return rows[0]?.answer
}
