/** Hears when something was published, over LISTEN on a connection of its own that is made anew when it breaks. */
import type { Client } from 'pg'
import { sleep } from '../../../clock.ts'
import type { Emit } from '../../../signals.ts'
import type { Connection } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** NOTIFY carries at most 8,000 bytes. Longer lists of queues become "all of them": `*`. */
export const MAX_WAKE_BYTES = 7_000

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** A half-open connection looks alive for hours. A query that gets no answer in time ends it. */
const PROBE_EVERY_MS = 30_000

/**
 * Calls `onWake` with the queues that something was published to. While the connection is lost nothing is heard:
 * workers then live by their poll, and are all woken when it is back, since something may have been missed.
 */
export function listenForWakeUps(
  connection: Pick<Connection, 'dedicated'>,
  tables: Tables,
  emit: Emit,
  onWake: (queues: readonly string[] | 'all') => void,
): { close(): Promise<void> } {
  const closed = new AbortController()
  let client: Client | undefined

  const running = (async () => {
    for (let failures = 0; !closed.signal.aborted;) {
      const onListening = () => {
        if (failures > 0) emit('info', 'wake-up.restored', 'LISTEN is back.')
        failures = 0
      }
      const lost = await listenUntilLost(onListening).catch((error: unknown) => error)
      if (closed.signal.aborted) return
      failures += 1
      if (failures === 1)
        emit('warn', 'wake-up.lost', 'LISTEN was lost; workers go on by polling.', { error: messageOf(lost) })
      await sleep(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS), closed.signal)
    }
  })()

  async function listenUntilLost(onListening: () => void): Promise<unknown> {
    const opened = await connection.dedicated()
    client = opened
    const lost = new Promise((resolve) => opened.once('end', () => resolve('the connection ended')))
    opened.on('notification', ({ payload }) => onWake(!payload || payload === '*' ? 'all' : payload.split(' ')))
    try {
      await opened.query(`listen "${tables.channel}"`)
      onListening()
      onWake('all')
      return await Promise.race([lost, probeUntilDead(opened)])
    } finally {
      client = undefined
      void opened.end().catch(() => undefined) // it is lost already, or being closed
    }
  }

  async function probeUntilDead(opened: Client): Promise<unknown> {
    while (!closed.signal.aborted) {
      await sleep(PROBE_EVERY_MS, closed.signal)
      if (!closed.signal.aborted) await opened.query('select 1')
    }
    return 'closed'
  }

  return {
    async close() {
      closed.abort()
      await client?.end().catch(() => undefined)
      await running
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
