/** Settles a group in which the server may refuse some outcomes: these are found by halving, and the others are settled without them. */
import { NOTHING_SETTLED, type ClaimedDelivery, type Settled, type Settlement } from '../deliveries/delivery.ts'
import { isRefusal } from './refusal.ts'

export interface SplitSettled extends Settled {
  /** The refused settlements, each with its error. */
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
    if (only && others.length === 0) {
      await settleWhatWentBefore(only, settle)
      return refusedAlone(only, error)
    }
    const parts: SplitSettled[] = []
    for (const part of partsOf(group)) parts.push(await splitSettle(part, settle))
    return together(parts)
  }
}

/** Splits a group. Done and other outcomes are written to different tables, and often only one of these refuses. */
function partsOf(group: readonly Settlement[]): readonly (readonly Settlement[])[] {
  const done = group.filter(({ is }) => is === 'done')
  if (done.length > 0 && done.length < group.length) return [done, group.filter(({ is }) => is !== 'done')]
  const middle = Math.ceil(group.length / 2)
  return [group.slice(0, middle), group.slice(middle)]
}

/** Settles the deliveries of a run that were done before the refused one: they must not suffer for it. The claim moves to the refused one. */
async function settleWhatWentBefore({ is, delivery, ran = [] }: Settlement, settle: Settle): Promise<void> {
  const last = ran.at(-1)
  if (is === 'done' || !last) return
  await splitSettle([{ ...last, is: 'done', ran: ran.slice(0, -1), movesTo: delivery }], settle)
}

function refusedAlone(settlement: Settlement, error: unknown): SplitSettled {
  return { ...NOTHING_SETTLED, refused: new Map([[settlement, error]]) }
}

function together(parts: readonly SplitSettled[]): SplitSettled {
  return {
    ours: new Set<string>(parts.flatMap(({ ours }) => [...ours])),
    next: new Map<string, ClaimedDelivery>(parts.flatMap(({ next }) => [...next])),
    behind: new Map(parts.flatMap(({ behind }) => [...behind])),
    cut: new Set(parts.flatMap(({ cut }) => [...cut])),
    more: parts.some(({ more }) => more),
    refused: new Map(parts.flatMap(({ refused }) => [...refused])),
  }
}
