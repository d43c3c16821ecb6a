/** A server with an untrusted certificate: waiting cannot help, so the error comes at once, with a way to fix it. */
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { createBus, type BusSignal } from '../../src/index.ts'

const key = readFileSync('test/support/fixtures/tls/key.pem')
const cert = readFileSync('test/support/fixtures/tls/certificate.pem')

const EXPECTED = /certificate: self-signed certificate.*\(DEPTH_ZERO_SELF_SIGNED_CERT\).*sslrootcert=FILE/

test('a worker does not wait for a certificate that it will never accept, and says how to fix it', async () => {
  const signals: BusSignal[] = []
  const bus = createBus({ connectionString: await untrustedServer(), onSignal: (signal) => signals.push(signal) })
  onTestFinished(() => bus.close())

  const refusal = await bus
    .worker()
    .start()
    .catch((error: unknown) => error)

  expect(refusal).toMatchObject({ code: 'POSTBUS_DATABASE_UNREACHABLE', message: expect.stringMatching(EXPECTED) })
  expect(signals.filter(({ name }) => name === 'database.unreachable')).toEqual([])
})

test('migrate and doctor report it in the same words', async () => {
  const bus = createBus({ connectionString: await untrustedServer() })
  onTestFinished(() => bus.close())

  const refusal = await bus.migrate().catch((error: unknown) => error)
  const [finding] = await bus.doctor()

  expect(refusal).toMatchObject({ code: 'POSTBUS_DATABASE_UNREACHABLE', message: expect.stringMatching(EXPECTED) })
  expect(finding).toMatchObject({ status: 'problem', message: expect.stringMatching(EXPECTED) })
})

/** A server that agrees to TLS, as Postgres does, and shows a self-signed certificate. */
async function untrustedServer(): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('S')
      new TLSSocket(socket, { isServer: true, key, cert }).on('error', () => undefined)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return `postgres://postgres:secret@127.0.0.1:${port}/postgres?sslmode=verify-full`
}
