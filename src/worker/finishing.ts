/** Finds events that an operator's act has ended, because no settle sees such an end: every worker looks every 10 seconds. */
import { sleep } from '../clock.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'

const EVERY_MS = 10_000

/** Looks until `over` is aborted. What fails is tried again at the next turn. */
export async function keepFinished(store: Pick<DeliveryStore, 'finish'>, over: AbortSignal): Promise<void> {
  for (await sleep(EVERY_MS, over); !over.aborted; await sleep(EVERY_MS, over)) {
    await store.finish().catch(() => undefined)
  }
}
