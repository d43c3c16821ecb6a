/** Runs LISTEN on a connection of its own until the connection is lost. To hear for longer, call it again. */
import { sleep } from '../../../clock.ts'

/** A half-open connection looks alive for hours. A query that gets no answer in time ends it. */
const PROBE_EVERY_MS = 30_000

/** LISTEN does not work here. It belongs to a session: behind a pooler, the next client on the session would get our notifications, and we none. */
export const UNAVAILABLE = Symbol('LISTEN does not work here')

/** Makes connections that listen. A shared connection has to know the channel. */
export interface Listening {
  /** `null`: there is a pooler, and its other clients would get our notifications. */
  listener(channel: string): Promise<ListeningClient | null>
}

export interface Notification {
  readonly channel: string
  readonly payload?: string | undefined
}

/** The members that are used of a connection that listens. */
export interface ListeningClient {
  query(text: string): Promise<{ readonly rowCount: number | null }>
  on(name: 'notification', hear: (heard: Notification) => void): unknown
  once(name: 'end', hear: () => void): unknown
  end(): Promise<void>
}

export interface ListeningTo {
  readonly channel: string
  /** Called when LISTEN is active: from then on everything is heard. */
  onListening(): void
  onPayload(payload: string): void
  /** Called each time the connection has answered a probe. */
  onAlive?(): void
}

/**
 * Resolves with the reason when the connection has ended, with `UNAVAILABLE` where LISTEN does not work, and when `over` is aborted.
 * Rejects when the connection cannot be made, or does not answer any more.
 */
export async function listenUntilLost(
  listening: Listening,
  { channel, onListening, onPayload, onAlive }: ListeningTo,
  over: AbortSignal,
): Promise<unknown> {
  const client = await listening.listener(channel)
  if (client === null) return UNAVAILABLE
  const end = () => client.end().catch(() => undefined)
  const onAbort = () => void end()
  over.addEventListener('abort', onAbort, { once: true })
  const lost = new Promise((resolve) => client.once('end', () => resolve('the connection ended')))
  client.on('notification', ({ payload }) => onPayload(payload ?? ''))
  try {
    if (over.aborted) return 'closed'
    await client.query(`listen "${channel}"`)
    onListening()
    return await Promise.race([lost, probeUntilDead(client)])
  } finally {
    over.removeEventListener('abort', onAbort)
    const ended = end() // it is lost already, or being closed
    if (over.aborted) await ended
  }

  async function probeUntilDead(opened: ListeningClient): Promise<unknown> {
    while (!over.aborted) {
      await sleep(PROBE_EVERY_MS, over)
      if (!over.aborted && !(await isListening(opened, channel))) return UNAVAILABLE
      onAlive?.()
    }
    return 'closed'
  }
}

/** Whether the session still listens. Behind a pooler it may be another session by now. */
async function isListening(client: ListeningClient, channel: string): Promise<boolean> {
  const { rowCount } = await client.query(`select from pg_listening_channels() as name where name = '${channel}'`)
  return rowCount === 1
}
