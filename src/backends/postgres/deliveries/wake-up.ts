/** Hears over LISTEN when something was published, on a connection of its own that is made again when it breaks. */
import { sleep } from '../../../clock.ts'
import type { Emit } from '../../../signals.ts'
import { listenUntilLost, UNAVAILABLE, type Listening } from '../connections/listen-until-lost.ts'
import type { Tables } from '../schema/tables.ts'

/** NOTIFY carries at most 8,000 bytes. Longer lists of queues become "all of them": `*`. */
export const MAX_WAKE_BYTES = 7_000

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** LISTEN belongs to a session. Behind a pooler, the next client on the session would get our notifications, and we would get none. */
export const CANNOT_LISTEN =
  'the connection goes through a pooler, where LISTEN does not work: workers look for deliveries every `pollMs` only. ' +
  'Give createBus() a way to the server itself, `listen: { connectionString }`, or say that this is meant: `listen: false`'

/**
 * Calls `onWake` with the queues that something was published to. While the connection is lost nothing is heard, and workers
 * only poll. When it is back all are woken, because something may have been missed. Where LISTEN cannot work at all, workers
 * always poll, and one signal says so.
 */
export function listenForWakeUps(
  listening: Listening | null,
  { channel }: Tables,
  emit: Emit,
  onWake: (queues: readonly string[] | 'all') => void,
): { close(): Promise<void> } {
  return listenOn(listening, channel, emit, onWake)
}

/** Calls `onWake` with the words of each notification, or with `all` for `*`. Also calls it with `all` each time it begins to hear. */
export function listenOn(
  listening: Listening | null,
  channel: string,
  emit: Emit,
  onWake: (words: readonly string[] | 'all') => void,
): { close(): Promise<void> } {
  const closed = new AbortController()

  const running = (async () => {
    if (listening === null) return
    for (let failures = 0; !closed.signal.aborted;) {
      const onListening = () => {
        if (failures > 0) emit('info', 'wake-up.restored', 'LISTEN is back.')
        failures = 0
        onWake('all')
      }
      const onPayload = (payload: string) => onWake(payload === '' || payload === '*' ? 'all' : payload.split(' '))
      const to = { channel, onListening, onPayload }
      const lost = await listenUntilLost(listening, to, closed.signal).catch((error: unknown) => error)
      if (closed.signal.aborted) return
      if (lost === UNAVAILABLE) return emit('warn', 'wake-up.unavailable', `LISTEN: ${CANNOT_LISTEN}.`)
      failures += 1
      if (failures === 1)
        emit('warn', 'wake-up.lost', 'LISTEN was lost; workers go on by polling.', { error: messageOf(lost) })
      await sleep(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS), closed.signal)
    }
  })()

  return {
    async close() {
      closed.abort()
      await running
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
