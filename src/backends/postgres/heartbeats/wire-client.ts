/**
 * A connection to Postgres for the thread that sends heartbeats: it signs in, and runs statements without values.
 *
 * The thread is started from the text of this function: an application that a bundler has made into one file has no other
 * file to start it from. So the function uses nothing that is declared outside of it, no import and no constant, and also not
 * `pg`. Types leave no trace in the text.
 */
import type { Socket } from 'node:net'
import type { Place } from './place.ts'

export interface WireClient {
  /** Runs statements. Their results are thrown away. */
  run(text: string): Promise<void>
  close(): void
}

interface Message {
  readonly type: string
  readonly body: Buffer
}

/** Any failure, and any step that takes longer than `limitMs`, closes the connection and rejects. Then `onClosed` is called. */
export async function wireClient(place: Place, limitMs: number, onClosed: () => void): Promise<WireClient> {
  const net = process.getBuiltinModule('node:net')
  const tls = process.getBuiltinModule('node:tls')
  const crypto = process.getBuiltinModule('node:crypto')
  const inbox: Message[] = []
  let received = Buffer.alloc(0)
  let failure: Error | null = null
  let wake = () => {}
  let socket: Socket = net.connect(place.path ? { path: place.path } : { host: place.host, port: place.port })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 10_000)
  watch(socket)

  function watch(one: Socket): void {
    one.on('error', fail)
    one.on('close', () => fail(new Error('the connection was closed')))
  }

  function fail(error: Error): void {
    if (!failure) onClosed()
    failure ??= error
    socket.destroy()
    wake()
  }

  function receive(chunk: Buffer): void {
    received = Buffer.concat([received, chunk])
    while (received.length >= 5 && received.length > received.readInt32BE(1)) {
      const end = received.readInt32BE(1) + 1
      inbox.push({ type: String.fromCharCode(received[0]!), body: received.subarray(5, end) })
      received = received.subarray(end)
    }
    wake()
  }

  async function happens(what: () => boolean): Promise<void> {
    while (!what()) {
      if (failure) throw failure
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  /** The next message, without notices and parameters. Throws the server's error messages. */
  async function next(): Promise<Message> {
    await happens(() => inbox.length > 0)
    const message = inbox.shift()!
    if (message.type === 'E') throw new Error(errorIn(message.body))
    return 'SKN'.includes(message.type) ? next() : message
  }

  function errorIn(body: Buffer): string {
    const fields = body.toString('utf8').split('\0')
    return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'the server has refused'
  }

  function send(type: string, ...parts: (Buffer | string)[]): void {
    const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)))
    socket.write(Buffer.concat([Buffer.from(type), int32(body.length + 4), body]))
  }

  function int32(number: number): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(number)
    return bytes
  }

  async function secured(): Promise<void> {
    if (place.tls === null) return
    if (!place.isDirectTls) {
      let answer: Buffer | null = null
      socket.once('data', (chunk: Buffer) => {
        answer = chunk
        wake()
      })
      socket.write(Buffer.concat([int32(8), int32(80_877_103)]))
      await happens(() => answer !== null)
      if (answer!.toString() !== 'S') throw new Error('the server does not support TLS')
    }
    const name = net.isIP(place.host) === 0 ? { servername: place.host } : {}
    const direct = place.isDirectTls ? { ALPNProtocols: ['postgresql'] } : {}
    const over = tls.connect({ socket, host: place.host, ...place.tls, ...direct, ...name })
    let isSecure = false
    over.once('secureConnect', () => {
      isSecure = true
      wake()
    })
    watch(over)
    await happens(() => isSecure)
    socket = over
  }

  async function signIn(): Promise<void> {
    const said = { user: place.user, database: place.database, client_encoding: 'UTF8', ...place.startup }
    const body = Buffer.from(`${Object.entries(said).flat().join('\0')}\0\0`)
    socket.write(Buffer.concat([int32(body.length + 8), int32(196_608), body]))
    let finish: ((last: string) => void) | null = null
    for (let message = await next(); message.type !== 'Z'; message = await next()) {
      if (message.type !== 'R') throw new Error(`the server has sent ${message.type} while signing in`)
      const kind = message.body.readInt32BE(0)
      const rest = message.body.subarray(4)
      if (kind === 3) send('p', place.password)
      else if (kind === 5) send('p', `md5${md5(Buffer.concat([Buffer.from(md5(place.password + place.user)), rest]))}`)
      else if (kind === 10) finish = await scram(rest.toString().split('\0'))
      else if (kind === 12) finish?.(rest.toString())
      else if (kind !== 0) throw new Error(`the server wants a kind of sign-in that is not known here (${kind})`)
    }
  }

  function md5(text: string | Buffer): string {
    return crypto.createHash('md5').update(text).digest('hex')
  }

  function hmac(key: Buffer, text: string): Buffer {
    return crypto.createHmac('sha256', key).update(text).digest()
  }

  /** Signs in by SCRAM-SHA-256. Returns a function that checks the server's own proof. */
  async function scram(mechanisms: readonly string[]): Promise<(last: string) => void> {
    if (!mechanisms.includes('SCRAM-SHA-256')) throw new Error(`the server wants ${mechanisms.join()}`)
    const nonce = crypto.randomBytes(18).toString('base64')
    const first = `n=*,r=${nonce}`
    send('p', 'SCRAM-SHA-256', int32(first.length + 3), Buffer.from(`n,,${first}`))
    const { type, body } = await next()
    const answer = body.subarray(4).toString()
    const [, shared = '', salt = '', rounds = ''] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(answer) ?? []
    if (type !== 'R' || !shared.startsWith(nonce) || shared === nonce || Number(rounds) > 1_000_000)
      throw new Error('the server has broken off the sign-in')
    const key = crypto.pbkdf2Sync(prepared(place.password), Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256')
    const clientKey = hmac(key, 'Client Key')
    const last = `c=biws,r=${shared}`
    const all = `${first},${answer},${last}`
    const signature = hmac(crypto.createHash('sha256').update(clientKey).digest(), all)
    const proof = Buffer.from(clientKey.map((byte, place_) => byte ^ signature[place_]!)).toString('base64')
    send('p', Buffer.from(`${last},p=${proof}`))
    return (said) => {
      if (said !== `v=${hmac(hmac(key, 'Server Key'), all).toString('base64')}`)
        throw new Error('the server does not know the password')
    }
  }

  /** The password in the form in which it is stored: the steps of SASLprep that change any bytes. */
  function prepared(password: string): string {
    const spaces = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g
    // oxlint-disable-next-line no-misleading-character-class -- each of them stands for itself
    const nothing = /[\u00AD\u034F\u1806\u180B\u180C\u180D\u200C\u200D\u2060\uFE00-\uFE0F\uFEFF]/g
    return password.replace(spaces, ' ').replace(nothing, '').normalize('NFKC')
  }

  async function run(text: string): Promise<void> {
    if (failure) throw failure
    send('Q', text)
    while ((await next()).type !== 'Z');
  }

  async function limited<Result>(work: Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => fail(new Error(`the server has not answered within ${limitMs} ms`)), limitMs)
    try {
      return await work
    } catch (error) {
      fail(error as Error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async function connect(): Promise<void> {
    let isConnected = false
    socket.once('connect', () => {
      isConnected = true
      wake()
    })
    await happens(() => isConnected)
    await secured()
    socket.on('data', receive)
    await signIn()
  }

  await limited(connect())
  return { run: (text) => limited(run(text)), close: () => void socket.end(Buffer.from([88, 0, 0, 0, 4])) }
}
