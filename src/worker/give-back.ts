/** Gives back what still runs when a worker must end. */
import type { Held, HeldDelivery } from './held.ts'
import { later } from './later.ts'
import type { Settler } from './settler.ts'

/** A delivery given back at shutdown becomes due after this time. By then this process has ended, even if the handler never returned. */
const GIVE_BACK_MS = 500

export interface GiveBackParts {
  readonly held: Held
  readonly settler: Settler
  /** Called for each when all are written. */
  leave(held: HeldDelivery): void
}

/** Gives back the deliveries that still run, and aborts their handlers with `reason`. Returns how many there were. */
export async function giveBackRunning({ held, settler, leave }: GiveBackParts, reason: unknown): Promise<number> {
  const left = held.takeRunning()
  const settled = left.map(({ delivery, run }) =>
    run ? run.giveBack(GIVE_BACK_MS) : settler.settle(later(delivery, GIVE_BACK_MS)),
  )
  for (const { abort } of left) abort.abort(reason)
  await Promise.all([...settled, settler.empty()])
  await settler.tryRefused()
  for (const one of left) leave(one)
  return left.length
}
