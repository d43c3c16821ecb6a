/** A TCP proxy in front of a server, whose line a test can cut, slow down, or make silent. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * - `pass`: everything gets through.
 * - `refuse`: new connections are reset at once; open ones go on.
 * - `blackhole`: nothing gets through, in either direction, and neither side is told. A connection that lost something
 *   this way stays silent forever.
 */
export type ProxyMode = 'pass' | 'refuse' | 'blackhole'

export interface TcpProxy {
  /** The same URL, with the proxy in the place of the server. */
  through(connectionString: string): string
  set(mode: ProxyMode): void
  /** From now on everything takes `ms` longer, each way, plus a random jitter of up to `jitterMs`. */
  delay(ms: number, jitterMs?: number): void
  /** From now on each connection passes on no more than this from the server. */
  throttle(bytesPerSecond: number): void
  /** Resets the open connections over which `text` was sent lately; all of them without it. Returns how many. */
  reset(text?: string): number
  /**
   * Waits for the first statement that contains `text`, lets it reach the server, and resets the connection as soon as
   * the server replies: the statement was executed, but the client is not told.
   */
  cutAfter(text: string): Promise<void>
  close(): Promise<void>
}

interface Line {
  readonly client: Socket
  readonly server: Socket
  /** The last part of what the client sent. */
  sent: string
  silent: boolean
  cutAtAnswer: (() => void) | null
  /** Data under way, in order: data with a short delay does not overtake data with a long one. */
  readonly toServer: Buffer[]
  readonly toClient: Buffer[]
}

const REMEMBERED_LENGTH = 16_384

/** Starts a proxy on a free port of 127.0.0.1, in front of the server that `target` names. */
export async function openTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const lines = new Set<Line>()
  let mode: ProxyMode = 'pass'
  let [delayMs, jitterMs] = [0, 0]
  let bytesPerSecond = Infinity
  let cut: { text: string; done: () => void } | null = null

  const listener = createServer((client) => {
    client.on('error', () => undefined) // the other side may reset it; 'close' follows
    if (mode === 'refuse') return void client.resetAndDestroy()
    openLine(client)
  })

  function openLine(client: Socket): void {
    const server = connect(Number(port), hostname)
    const line: Line = { client, server, sent: '', silent: false, cutAtAnswer: null, toServer: [], toClient: [] }
    lines.add(line)
    server.on('error', () => undefined)
    client.on('data', (chunk) => fromClient(line, chunk))
    server.on('data', (chunk) => fromServer(line, chunk))
    for (const socket of [client, server]) socket.once('close', () => end(line, socket))
  }

  function fromClient(line: Line, chunk: Buffer): void {
    if (isLost(line)) return
    line.sent = (line.sent + chunk.toString('latin1')).slice(-REMEMBERED_LENGTH)
    if (cut && line.sent.includes(cut.text)) {
      line.cutAtAnswer = cut.done
      cut = null
    }
    pass(line.toServer, line.server, chunk)
  }

  function fromServer(line: Line, chunk: Buffer): void {
    if (isLost(line)) return
    if (!line.cutAtAnswer) {
      pause(line.server, (1_000 * chunk.length) / bytesPerSecond)
      return pass(line.toClient, line.client, chunk)
    }
    line.client.resetAndDestroy()
    line.cutAtAnswer()
  }

  function pause(socket: Socket, ms: number): void {
    if (ms < 1) return
    socket.pause()
    setTimeout(() => socket.resume(), ms)
  }

  function isLost(line: Line): boolean {
    line.silent ||= mode === 'blackhole'
    return line.silent
  }

  function pass(underWay: Buffer[], to: Socket, chunk: Buffer): void {
    const ms = delayMs + jitterMs * Math.random()
    if (ms === 0 && underWay.length === 0) return void to.write(chunk)
    underWay.push(chunk)
    setTimeout(() => to.write(underWay.shift() ?? ''), ms)
  }

  /** One side has closed: the other side is closed too, unless the line is silent. */
  function end(line: Line, closed: Socket): void {
    if (closed === line.server && isLost(line)) return
    lines.delete(line)
    line.client.destroy()
    line.server.destroy()
  }

  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')

  return {
    through(connectionString) {
      const url = new URL(connectionString)
      url.host = `127.0.0.1:${address.port}`
      return url.href
    },
    set(next) {
      mode = next
    },
    delay(ms, jitter = 0) {
      delayMs = ms
      jitterMs = jitter
    },
    throttle(most) {
      bytesPerSecond = most
    },
    reset(text = '') {
      const chosen = [...lines].filter((line) => line.sent.includes(text))
      for (const line of chosen) line.client.resetAndDestroy()
      return chosen.length
    },
    cutAfter(text) {
      const { promise, resolve } = Promise.withResolvers<void>()
      cut = { text, done: resolve }
      return promise
    },
    async close() {
      for (const { client, server } of lines) {
        client.destroy()
        server.destroy()
      }
      listener.close()
      await once(listener, 'close')
    },
  }
}
