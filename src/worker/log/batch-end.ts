/**
 * Decides how each event of a batch that was read from the log has ended. If an event comes again, or holds its key, later events of that key
 * count as not run: they become deliveries behind it.
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

/** Puts an event that counts as not run behind its lane. If the batch took long, the event has its delivery already. */
export function endNotRun(entry: Entry): void {
  if (entry.state === 'spilled') return endWith(entry, { is: 'later', delayMs: 0 })
  entry.isOver = true
  entry.shard.putBehind(entry)
}

/** Returns the last entry of each key, and every entry without a key. */
export function lastOfEachKey(members: readonly GatheredEntry[]): Iterable<Entry> {
  return new Map(members.map(({ entry }) => [entry.key ?? entry, entry])).values()
}

/** Returns a controller that is aborted when all of these are: a batch goes on while one of its events is still ours. */
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
