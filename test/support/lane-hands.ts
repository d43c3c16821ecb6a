/** What the workers of a world of lanes have in hand: of each lane what runs, what has run unsettled before it, and what is ahead. */
import type { ClaimedDelivery, Ran, Settlement } from '../../src/deliveries/delivery.ts'

/** As many more are asked for when a claim moves on. */
const MORE = 2

export class Hand {
  /** Ended, and not settled. */
  readonly ran: ClaimedDelivery[] = []
  running: ClaimedDelivery
  ahead: ClaimedDelivery[]
  /** What runs is being settled, in the transaction that is held open. */
  isEnding = false

  constructor(delivery: ClaimedDelivery) {
    this.running = delivery
    this.ahead = [...delivery.behind]
  }

  /** The one that has the claim in the database. */
  get active(): ClaimedDelivery {
    return this.ran[0] ?? this.running
  }

  /** Everything that was begun and not settled. */
  get begun(): readonly ClaimedDelivery[] {
    return [...this.ran, this.running]
  }

  /** What runs has ended well, and the next one begins without a word to the database. */
  goOn(): ClaimedDelivery {
    const next = this.ahead.shift()
    if (!next) throw new Error('Nothing is ahead.')
    this.ran.push(this.running)
    this.running = next
    return next
  }

  /** What to settle when what runs has ended so. */
  ending(how: Settlement): Settlement {
    return { ...how, ran: this.ran.map(asRan), behind: MORE }
  }

  /** What to settle while it runs: its claim moves on to it. */
  moving(): Settlement {
    const ran = this.ran.slice(0, -1).map(asRan)
    const last = this.ahead.at(-1) ?? this.running
    return {
      delivery: this.ran.at(-1) as ClaimedDelivery,
      is: 'done',
      tookMs: 1,
      ran,
      movesTo: this.running,
      more: { last, count: MORE },
    }
  }

  /** The claim has moved on past so many. */
  moved(past: number, behind: readonly ClaimedDelivery[], isCut: boolean): void {
    this.ran.splice(0, past)
    this.ahead = isCut ? [] : [...this.ahead, ...behind]
  }
}

function asRan(delivery: ClaimedDelivery): Ran {
  return { delivery, tookMs: 1 }
}
