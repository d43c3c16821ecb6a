/** Backfills: every worker offers to continue the backfills of its handlers, and for each handler one worker does it. */
import { safeTextOfError } from '../error-text.ts'
import { sleep } from '../clock.ts'
import type { Backfilling, DeliveryStore } from '../deliveries/delivery-store.ts'
import type { Emit } from '../signals.ts'

/** An event published for a handler during its backfill waits up to this long for the next step, in addition to the step itself. */
const FOLLOW_EVERY_MS = 250
/** How often a finished backfill looks again: a publisher that began before its end may have left something behind. */
const LOOK_BACK_EVERY_MS = 5_000

interface BackfillParts {
  readonly store: Pick<DeliveryStore, 'backfill'>
  readonly emit: Emit
}

/** Works on all backfills until `over` is aborted. A failed step is tried again at the next turn. Failures are reported once, until a step works. */
export async function keepBackfilled(
  parts: BackfillParts,
  backfills: readonly Backfilling[],
  over: AbortSignal,
): Promise<void> {
  await Promise.all(backfills.map((backfilling) => keepOne(parts, backfilling, over)))
}

async function keepOne({ store, emit }: BackfillParts, backfilling: Backfilling, over: AbortSignal): Promise<void> {
  const handler = backfilling.handler.name
  let works = true
  while (!over.aborted) {
    try {
      const step = await store.backfill(backfilling)
      works = true
      if (step === 'ended') emit('info', 'backfill.done', `The backfill of "${handler}" is done.`, { handler })
      if (step !== 'more') await sleep(step === 'waits' ? FOLLOW_EVERY_MS : LOOK_BACK_EVERY_MS, over)
    } catch (error) {
      const message = `The backfill of "${handler}" cannot go on, and what is published for it waits: ${safeTextOfError(error)}`
      if (works && !over.aborted) emit('warn', 'backfill.failed', message, { handler })
      works = false
      await sleep(LOOK_BACK_EVERY_MS, over)
    }
  }
}

/** For a drain: takes all steps that can be taken now. Returns the number of batches of events. */
export async function backfillAll({ store }: BackfillParts, backfills: readonly Backfilling[]): Promise<number> {
  let batches = 0
  for (const backfilling of backfills) {
    while ((await store.backfill(backfilling)) === 'more') batches += 1
  }
  return batches
}
