/**
 * Records what a client really sends to Postgres: a proxy that passes everything on and notes the statements. Only the
 * bytes on the wire tell how many round trips a call costs; a driver's own events may leave some of them out.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Wire {
  /** The same database, through the proxy. */
  readonly connectionString: string
  /** The text of every statement that was executed, in the order of arrival. */
  readonly statements: readonly string[]
  /** Forgets the statements so far. */
  clear(): void
  close(): Promise<void>
}

export async function openWire(connectionString: string): Promise<Wire> {
  const target = new URL(connectionString)
  const statements: string[] = []
  const sockets = new Set<Socket>()

  const server = createServer((client) => {
    const postgres = connect(Number(target.port || 5432), target.hostname)
    const heard = listener((statement) => statements.push(statement))
    client.on('data', (bytes) => {
      heard(bytes)
      postgres.write(bytes)
    })
    postgres.on('data', (bytes) => client.write(bytes))
    for (const [socket, other] of [
      [client, postgres],
      [postgres, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => (sockets.delete(socket), other.end()))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const through = new URL(connectionString)
  through.host = `127.0.0.1:${address.port}`
  return {
    connectionString: through.href,
    statements,
    clear: () => void (statements.length = 0),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Reads the messages of one connection: `Q` is a whole statement, `P` `B` `E` are the parts of a prepared one. */
function listener(onStatement: (text: string) => void): (bytes: Buffer) => void {
  let waiting = Buffer.alloc(0)
  let isStartup = true // the first message has no letter in front
  const prepared = new Map<string, string>()
  const portals = new Map<string, string>()

  function read(letter: string, body: Buffer): void {
    const [first = '', second = ''] = body.toString('utf8').split('\0')
    if (letter === 'Q') onStatement(first)
    if (letter === 'P') prepared.set(first, second)
    if (letter === 'B') portals.set(first, prepared.get(second) ?? `unknown statement ${second}`)
    if (letter === 'E') onStatement(portals.get(first) ?? `unknown portal ${first}`)
  }

  return (bytes) => {
    waiting = Buffer.concat([waiting, bytes])
    for (;;) {
      const letters = isStartup ? 0 : 1
      if (waiting.length < letters + 4) return
      const end = letters + waiting.readUInt32BE(letters)
      if (waiting.length < end) return
      if (!isStartup) read(waiting.toString('latin1', 0, 1), waiting.subarray(5, end))
      isStartup = false
      waiting = waiting.subarray(end)
    }
  }
}
