/** The heartbeats' own connection signs in with every method that pg supports, and explains a failure. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type ClientConfig } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { placeOf } from '../../src/backends/postgres/heartbeats/place.ts'
import { wireClient } from '../../src/backends/postgres/heartbeats/wire-client.ts'
import { startEmbeddedServer, type EmbeddedServer } from '../support/embedded-server.ts'
import { until } from '../support/until.ts'

const ca = await readFile('test/support/fixtures/tls/certificate.pem', 'utf8')
const PASSWORD = 'p\u00e4ss \u00bd'

let server: EmbeddedServer
let admin: Client
let address: { host: string; port: number; database: string }

beforeAll(async () => {
  server = await startEmbeddedServer()
  admin = new Client({ connectionString: server.connectionString })
  await admin.connect()
  const { hostname, port } = new URL(server.connectionString)
  address = { host: hostname, port: Number(port), database: 'postgres' }
  const folder = await shown('data_directory')
  await written(`${folder}/server.key`, await readFile('test/support/fixtures/tls/key.pem', 'utf8'))
  await written(`${folder}/server.crt`, ca)
  await admin.query(`alter system set ssl = 'on'`)
  for (const kind of ['scram-sha-256', 'md5']) {
    await admin.query(`set password_encryption = '${kind}'`)
    await admin.query(`create role "by ${kind}" login password '${PASSWORD}'`)
  }
  await admin.query(`create role "by password" login password '${PASSWORD}'; create role "by trust" login`)
  const kinds = ['scram-sha-256', 'md5', 'password', 'trust']
  const rules = kinds.map((kind) => `host all "by ${kind}" all ${kind}`).join('\n')
  const hba = await shown('hba_file')
  await written(hba, `hostssl all "by tls" all scram-sha-256\n${rules}\nhost all all all trust\n`)
  await admin.query(`set password_encryption = 'scram-sha-256'; create role "by tls" login password '${PASSWORD}'`)
  await admin.query('select pg_reload_conf()')
  await until('TLS is on', async () => (await shown('ssl')) === 'on')
}, 60_000)

afterAll(async () => {
  await admin.end()
  await server.remove()
})

test.each(['scram-sha-256', 'md5', 'password', 'trust'])('signs in by %s', async (kind) => {
  expect(await whoAmI({ user: `by ${kind}`, password: PASSWORD })).toEqual([[`by ${kind}`, false, 'shop']])
})

test('signs in over TLS, and checks the certificate', async () => {
  const ssl = { ca, rejectUnauthorized: false }

  expect(await whoAmI({ user: 'by tls', password: PASSWORD, ssl })).toEqual([['by tls', true, 'shop']])
  await expect(whoAmI({ user: 'by tls', password: PASSWORD, ssl: true })).rejects.toThrow('self-signed certificate')
})

test('connects by a socket of the file system', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-socket-'))
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = connect(address.port, address.host)
    for (const one of [near, far]) sockets.add(one.on('error', () => undefined))
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => proxy.listen(join(folder, '.s.PGSQL.5432'), resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
    await rm(folder, { recursive: true })
  })

  const rows = await whoAmI({ user: 'by scram-sha-256', password: PASSWORD, host: folder, port: 5432 })

  expect(rows).toEqual([['by scram-sha-256', false, 'shop']])
})

test.each([
  [{ user: 'by scram-sha-256', password: 'wrong' }, 'password authentication failed'],
  [{ user: 'by md5', password: 'wrong' }, 'password authentication failed'],
  [{ user: 'by trust', database: 'nowhere' }, 'database "nowhere" does not exist'],
  [{ user: 'by trust', port: 1 }, 'ECONNREFUSED'],
])('explains why it cannot sign in: %o', async (config, why) => {
  await expect(whoAmI(config)).rejects.toThrow(why)
})

test('a statement that fails or takes too long ends the connection', async () => {
  let closed = 0
  const client = await wireClient(place({ user: 'by trust' }), 300, () => (closed += 1))
  await expect(client.run('select 1/0')).rejects.toThrow('division by zero')
  await expect(client.run('select 1')).rejects.toThrow('division by zero')

  const slow = await wireClient(place({ user: 'by trust' }), 300, () => (closed += 1))
  await expect(slow.run('select pg_sleep(5)')).rejects.toThrow('within 300 ms')
  expect(closed).toBe(2)
})

test('skips rows of any size', async () => {
  const client = await wireClient(place({ user: 'by trust' }), 3_000, () => undefined)
  onTestFinished(() => client.close())

  await client.run(`select repeat('x', 300000), null, '\u00e4'; select 1 where false; select 'last'`)
  await expect(client.run('select 1/0')).rejects.toThrow('division by zero')
})

test.each([
  [{ stream: () => connect({ port: 1 }).on('error', () => undefined) }, 'in a way of its own'],
  [{ ssl: { checkServerIdentity: () => undefined } }, 'only the main thread can use'],
])('options that cannot be passed to a thread are refused: %o', (config, why) => {
  expect(() => place(config as unknown as ClientConfig)).toThrow(why)
})

function place(config: ClientConfig) {
  const client = new Client({ ...address, application_name: 'shop', ...config })
  return placeOf({ client, hasOwnStream: config.stream !== undefined })
}

async function whoAmI(config: ClientConfig): Promise<unknown> {
  const client = await wireClient(place(config), 3_000, () => undefined)
  await client.run('select 1')
  const { rows } = await admin.query({
    text: `select usename, ssl, application_name from pg_stat_ssl join pg_stat_activity using (pid) where usename = $1`,
    values: [config.user],
    rowMode: 'array',
  })
  client.close()
  await until('it is gone', async () => {
    return (await admin.query('select from pg_stat_activity where usename = $1', [config.user])).rows.length === 0
  })
  return rows
}

async function shown(setting: string): Promise<string> {
  const { rows } = await admin.query<{ value: string }>('select current_setting($1) as value', [setting])
  return rows[0]?.value ?? ''
}

/** Writes a file through the server: the server owns it, and no other user can read it. */
async function written(file: string, text: string): Promise<void> {
  await admin.query('create temp table line (n serial, text text)')
  await admin.query('insert into line (text) select unnest($1::text[])', [text.trimEnd().split('\n')])
  await admin.query(`copy (select text from line order by n) to program 'umask 077; cat > ${file}'`)
  await admin.query('drop table line')
}
