/** Waits until every delivery has ended. It gives up when nothing changes for half a minute. */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { shop } from '../database.ts'
import { BUS_SCHEMAS } from '../postbus.config.ts'
import type { Progress } from './progress.ts'
import { Stopped } from './stopped.ts'

const LOOK_EVERY_MS = 500
const STANDSTILL_MS = 30_000

export interface Settling {
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Whether the demo may still publish. */
  publishing(): boolean
}

export async function allDeliveriesEnded({ progress, signal, publishing }: Settling): Promise<void> {
  const standstill = standstillAfter(STANDSTILL_MS)
  for (;;) {
    const wasPublishing = publishing()
    const { ended, live } = await countDeliveries()
    progress.ended(ended)
    if (!wasPublishing && live === 0) return

    if (standstill(`${ended} ${live}`)) throw new Stopped(stuck(live))
    await delay(LOOK_EVERY_MS, undefined, { signal })
  }
}

async function countDeliveries(): Promise<{ readonly ended: number; readonly live: number }> {
  const deliveries = sql.table(`${BUS_SCHEMAS.schema}.deliveries`)
  const { rows } = await sql<{ ended: number; live: number }>`
    select (count(*) filter (where state in ('done', 'dead')))::integer as ended,
      (count(*) filter (where state not in ('done', 'dead')))::integer as live
    from ${deliveries}() as delivery`.execute(shop.db)
  return rows[0] ?? { ended: 0, live: 0 }
}

/** The function returns whether the state has not changed for `ms`. */
function standstillAfter(ms: number): (state: string) => boolean {
  let last = ''
  let since = Date.now()
  return (state) => {
    if (state !== last) since = Date.now()
    last = state
    return Date.now() - since > ms
  }
}

function stuck(live: number): string {
  return (
    `No delivery has ended for ${STANDSTILL_MS / 1_000} s, and ${live.toLocaleString('en')} are waiting. ` +
    'See .postbus/demo-worker-*.log, and run: npm run postbus -- doctor --config examples/shop/postbus.config.ts'
  )
}
