/** Waiting until a handler that runs counts as slow, so that the next of its lane begins only once its end is settled. */
import { setTimeout } from 'node:timers/promises'

/** A handler that is done in less than 20 ms is followed before its worker hears what the database says. */
export async function noLongerQuick(): Promise<void> {
  await setTimeout(50)
}
