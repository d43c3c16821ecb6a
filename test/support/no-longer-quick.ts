/** Waits until a running handler counts as slow, so that the next delivery of its lane begins only once this one is settled. */
import { setTimeout } from 'node:timers/promises'

/** After a handler that takes less than 20 ms, the next delivery begins before the worker has the database's reply. */
export async function noLongerQuick(): Promise<void> {
  await setTimeout(50)
}
