/**
 * How a batch of what was read has ended, event by event. Behind one that comes again, or holds its key, the later ones of that key were not
 * run, as far as the record knows: they go behind it, as deliveries.
 */
import type { OutcomeOf } from '../../attempt/batch-attempt.ts'
import { concludedAttempt, type ConcludedAttempt } from '../../attempt/concluded-attempt.ts'
import type { ClaimedDelivery, Settlement } from '../../deliveries/delivery.ts'
import type { Emit } from '../../signals.ts'
import type { GatheredEntry } from './batch-gathering.ts'
import { endWith } from './ending.ts'
import type { Entry, Key } from './shard.ts'

export interface EndedEntry {
  readonly entry: Entry
  readonly delivery: ClaimedDelivery
  /** `null`: it was not run. */
  readonly concluded: ConcludedAttempt | null
}

export async function endsOfBatch(
  members: readonly GatheredEntry[],
  outcomeOf: OutcomeOf,
  emit: Emit,
): Promise<readonly EndedEntry[]> {
  const held = new Set<Key>()
  const ends: EndedEntry[] = []
  for (const { entry, delivery } of members) {
    const { key } = entry
    const isRun = key === null || !held.has(key)
    const concluded = isRun ? await concludedAttempt(outcomeOf(delivery), delivery, emit) : null
    if (key && concluded && holdsKey(concluded.settlement)) held.add(key)
    ends.push({ entry, delivery, concluded })
  }
  return ends
}

function holdsKey(settlement: Settlement): boolean {
  const { is } = settlement
  return is === 'retry' || is === 'later' || is === 'awaiting' || (is === 'dead' && settlement.onDead === 'block')
}

/** One that took long has its delivery already. */
export function endNotRun(entry: Entry): void {
  if (entry.state === 'spilled') return endWith(entry, { is: 'later', delayMs: 0 })
  entry.isOver = true
  entry.shard.putBehind(entry)
}

/** One for each key. */
export function lastOfEachKey(members: readonly GatheredEntry[]): Iterable<Entry> {
  return new Map(members.map(({ entry }) => [entry.key ?? entry, entry])).values()
}

/** Aborted when all of these are: while one of its events is ours, a batch goes on. */
export function abortOfAll(members: readonly AbortController[]): AbortController {
  const all = new AbortController()
  for (const { signal } of members) {
    signal.addEventListener(
      'abort',
      () => {
        if (members.every((one) => one.signal.aborted)) all.abort(signal.reason)
      },
      { once: true },
    )
  }
  return all
}
