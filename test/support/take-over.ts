/** Takes over silent claims by two looks, as a worker does when heartbeats have not moved for long enough. */
import type { Look, Looking } from '../../src/deliveries/delivery-store.ts'

type LookFor = (looking: Looking) => Promise<Look>

export const FIRST_LOOK: Looking = { watched: [], lost: new Set(), lookedAt: null, all: true }

/** Returns how many were taken over. */
export async function takeOverSilent(look: LookFor): Promise<number> {
  const { silent, at } = await look(FIRST_LOOK)
  const { recovered } = await look({ watched: silent, lost: new Set(silent), lookedAt: at, all: true })
  return recovered.reduce((sum, { count }) => sum + count, 0)
}
