/**
 * The code of the thread: while the event loop of the process stands still, it sends heartbeats for the claims in the shared memory. When
 * the event loop has stood still for longer than a claim's limit, the thread gives the claim up, with an error that says why. While
 * the event loop runs, the main thread sends the heartbeats, and this thread only keeps its connection ready: to open one it may need
 * a new password, and only the main thread can ask for that.
 *
 * Like `wireClient`, `keepFromThread` is started from its text. So it uses nothing that is declared outside of it.
 */
import type { Place } from './place.ts'
import type { LAYOUT } from './shared-claims.ts'
import type { WireClient } from './wire-client.ts'

export interface ThreadData {
  readonly memory: SharedArrayBuffer
  readonly layout: typeof LAYOUT
  readonly place: Place
  readonly queues: readonly KeptQueue[]
  /** SQL that begins a transaction with our settings, on any session. */
  readonly begin: string
  /** After this time without a pulse, the event loop counts as standing still. */
  readonly standsStillMs: number
  readonly beatEveryMs: number
  readonly limitMs: number
}

/** A queue of a worker, and the functions of its schema. Claims name the queue by its place in the list. */
export interface KeptQueue {
  readonly queue: string
  readonly keepFunction: string
  readonly recoverFunction: string
}

/** A message to the thread: where to connect from now on, or the list of all queues so far. */
export interface ToThread {
  readonly place?: Place
  readonly queues?: readonly KeptQueue[]
}

/** A message from the thread: it is connected, or it is not, and needs to know where to connect now. */
export type FromThread = { readonly is: 'connected' } | { readonly is: 'failed'; readonly why: string }

interface Claim {
  readonly queue: KeptQueue
  readonly id: string
  readonly claim: number
  readonly limitMs: number
}

export function keepFromThread(
  connect: (place: Place, limitMs: number, onClosed: () => void) => Promise<WireClient>,
): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
  const data = workerData as ThreadData
  const { layout } = data
  const numbers = new Float64Array(data.memory)
  const bytes = Buffer.from(data.memory)
  const lookEveryMs = 250
  let { place, queues } = data
  let client: WireClient | null = null
  let isBusy = false
  let nextAt = 0

  parentPort?.on('message', (told: ToThread) => {
    place = told.place ?? place
    queues = told.queues ?? queues
  })
  setInterval(() => void look(), lookEveryMs)
  void look()

  function monotonicMs(): number {
    return Number(process.hrtime.bigint() / 1_000_000n)
  }

  async function look(): Promise<void> {
    const at = monotonicMs()
    const stoodStillMs = at - numbers[layout.pulse]!
    if (isBusy || at < nextAt || (client && stoodStillMs < data.standsStillMs)) return
    isBusy = true
    try {
      if (client) await beat(client, stoodStillMs)
      else await connected()
    } catch (error) {
      disconnected(error instanceof Error ? error.message : String(error))
    } finally {
      isBusy = false
    }
  }

  async function connected(): Promise<void> {
    let isClosed = false
    const made = await connect(place, data.limitMs, () => {
      isClosed = true
      if (client) disconnected('the connection was closed')
    })
    if (isClosed) throw new Error('the connection was closed')
    client = made
    post({ is: 'connected' })
  }

  /** Before the next try, the main thread says where to connect, if it can. */
  function disconnected(why: string): void {
    client = null
    nextAt = monotonicMs() + 4 * lookEveryMs
    post({ is: 'failed', why })
  }

  async function beat(over: WireClient, stoodStillMs: number): Promise<void> {
    nextAt = monotonicMs() + data.beatEveryMs
    const held = heldClaims()
    if (held.length === 0) return
    const kept = held.filter(({ limitMs }) => stoodStillMs <= limitMs)
    const tooLong = held.filter(({ limitMs }) => stoodStillMs > limitMs)
    // Each schema in a transaction of its own.
    for (const schema of new Set(held.map(({ queue }) => queue.recoverFunction))) {
      const isOfSchema = ({ queue }: Claim) => queue.recoverFunction === schema
      const byQueue = Map.groupBy(kept.filter(isOfSchema), ({ queue }) => queue)
      const statements = [...byQueue.values()].flatMap(keeping)
      const ends = givingUp(tooLong.filter(isOfSchema), stoodStillMs)
      await over.run([data.begin, ...statements, ...ends, 'commit'].join('; '))
    }
  }

  function heldClaims(): Claim[] {
    const held: Claim[] = []
    for (let at = layout.header; at < numbers.length; at += layout.slot) {
      const claim = numbers[at + layout.claim]!
      const queue = queues[numbers[at + layout.queue]!]
      const id = bytes.toString('hex', 8 * (at + layout.id), 8 * (at + layout.id) + 16)
      if (claim !== 0 && queue !== undefined) held.push({ queue, id, claim, limitMs: numbers[at + layout.limitMs]! })
    }
    return held
  }

  function keeping(claims: readonly Claim[]): string[] {
    if (claims.length === 0) return []
    const { queue, keepFunction } = claims[0]!.queue
    return [`select ${keepFunction}(${literal(queue)}, ${named(claims)})`]
  }

  /** Without a look at their heartbeats, because these claims are our own. */
  function givingUp(claims: readonly Claim[], stoodStillMs: number): string[] {
    if (claims.length === 0) return []
    const inQueues = literal(`{${claims.map(({ queue }) => queue.queue).join()}}`)
    const all = (value: string) => `array_fill(${value}, array[${claims.length}])`
    const error = literal(JSON.stringify(stoodStill(stoodStillMs)))
    return [
      `select from ${claims[0]!.queue.recoverFunction}(${inQueues}, ${named(claims)}, ${all('null::bigint')}, ${all('true')}, null, 0, 0, ${error}::jsonb)`,
    ]
  }

  function named(claims: readonly Claim[]): string {
    return `'{${claims.map(({ id }) => id).join()}}'::uuid[], '{${claims.map(({ claim }) => claim).join()}}'::bigint[]`
  }

  function literal(text: string): string {
    return `'${text.replaceAll("'", "''")}'`
  }

  function stoodStill(ms: number) {
    const message =
      `The event loop of the worker's process stood still for ${Math.round(ms / 1_000)} s: a handler computed without a pause, ` +
      'for longer than its timeoutMs and the grace period together. Let it pause, or do its work in a thread.'
    return { attempt: 0, at: new Date().toISOString(), code: 'POSTBUS_WORKER_STALLED', message, stack: null }
  }

  function post(said: FromThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage(said)
  }
}
