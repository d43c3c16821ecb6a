/** Settles a group of which the server may refuse some: these are found by halving, and the others are settled without them. */
import type { ClaimedDelivery, Settled, Settlement } from '../deliveries/delivery.ts'
import { isRefusal } from './refusal.ts'

export interface SplitSettled extends Settled {
  /** Each with the error that refused it. */
  readonly refused: ReadonlyMap<Settlement, unknown>
}

type Settle = (group: readonly Settlement[]) => Promise<Settled>

/** Rejects only with an error that is no refusal. */
export async function splitSettle(group: readonly Settlement[], settle: Settle): Promise<SplitSettled> {
  try {
    return { ...(await settle(group)), refused: new Map() }
  } catch (error) {
    if (!isRefusal(error)) throw error
    const [only, ...others] = group
    if (only && others.length === 0) return refusedAlone(only, error)
    const parts: SplitSettled[] = []
    for (const part of partsOf(group)) parts.push(await splitSettle(part, settle))
    return together(parts)
  }
}

/** What is done and what is not are written to different tables: often only one of them refuses. */
function partsOf(group: readonly Settlement[]): readonly (readonly Settlement[])[] {
  const done = group.filter(({ is }) => is === 'done')
  if (done.length > 0 && done.length < group.length) return [done, group.filter(({ is }) => is !== 'done')]
  const middle = Math.ceil(group.length / 2)
  return [group.slice(0, middle), group.slice(middle)]
}

function refusedAlone(settlement: Settlement, error: unknown): SplitSettled {
  return { ours: new Set(), next: new Map(), more: false, refused: new Map([[settlement, error]]) }
}

function together(parts: readonly SplitSettled[]): SplitSettled {
  return {
    ours: new Set<string>(parts.flatMap(({ ours }) => [...ours])),
    next: new Map<string, ClaimedDelivery>(parts.flatMap(({ next }) => [...next])),
    more: parts.some(({ more }) => more),
    refused: new Map(parts.flatMap(({ refused }) => [...refused])),
  }
}
