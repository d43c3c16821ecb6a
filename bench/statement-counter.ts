/**
 * Counts the statements that programs send to Postgres, as a proxy between them. The count is exact, for every client, and
 * the measured server needs no settings for it.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface StatementCounter {
  /** The same database, through the counter. */
  readonly connectionString: string
  statements(): number
  stop(): Promise<void>
}

/** The messages that execute something: a simple query, or the execution of a prepared one. */
const EXECUTING = new Set(['Q', 'E'].map((letter) => letter.charCodeAt(0)))

export async function countStatements(connectionString: string): Promise<StatementCounter> {
  const url = new URL(connectionString)
  const target = { host: url.hostname, port: Number(url.port || 5432) }
  let statements = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const database = connect(target)
    const count = messageReader((type) => (statements += EXECUTING.has(type) ? 1 : 0))
    client.on('data', count)
    client.pipe(database).pipe(client)
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => [client, database].forEach((one) => one.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('The counter listens nowhere.')
  url.host = `127.0.0.1:${address.port}`
  return {
    connectionString: url.href,
    statements: () => statements,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A message is a letter, its length in four bytes, and the rest. Only the first message of a connection has no letter. */
function messageReader(onMessage: (type: number) => void): (chunk: Buffer) => void {
  let unread = Buffer.alloc(0)
  let isFirst = true
  return (chunk) => {
    unread = Buffer.concat([unread, chunk])
    for (;;) {
      const letter = isFirst ? 0 : 1
      if (unread.length < letter + 4) return
      const length = letter + unread.readUInt32BE(letter)
      if (unread.length < length) return
      if (!isFirst) onMessage(unread.readUInt8(0))
      isFirst = false
      unread = unread.subarray(length)
    }
  }
}
