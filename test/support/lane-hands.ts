/** What workers in a world of lanes hold of each lane: the running delivery, unsettled ones that ran before it, and those ahead. */
import type { ClaimedDelivery, Ran, Settlement } from '../../src/deliveries/delivery.ts'

/** How many more deliveries are requested when a claim moves on. */
const MORE = 2

export class Hand {
  /** Deliveries that have ended, and are not settled. */
  readonly ran: ClaimedDelivery[] = []
  running: ClaimedDelivery
  ahead: ClaimedDelivery[]
  /** True while the running delivery is being settled in the transaction that is held open. */
  isEnding = false

  constructor(delivery: ClaimedDelivery) {
    this.running = delivery
    this.ahead = [...delivery.behind]
  }

  /** The delivery that has the claim in the database. */
  get active(): ClaimedDelivery {
    return this.ran[0] ?? this.running
  }

  /** All deliveries that have begun, and are not settled. */
  get begun(): readonly ClaimedDelivery[] {
    return [...this.ran, this.running]
  }

  /** The running delivery has ended well, and the next one begins without a statement to the database. */
  goOn(): ClaimedDelivery {
    const next = this.ahead.shift()
    if (!next) throw new Error('Nothing is ahead.')
    this.ran.push(this.running)
    this.running = next
    return next
  }

  /** The settlement to send when the running delivery has ended like this. */
  ending(how: Settlement): Settlement {
    return { ...how, ran: this.ran.map(asRan), behind: MORE }
  }

  /** The settlement to send while a delivery runs: the claim of its lane moves on to it. */
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

  /** The claim has moved on past `past` deliveries. */
  moved(past: number, behind: readonly ClaimedDelivery[], isCut: boolean): void {
    this.ran.splice(0, past)
    this.ahead = isCut ? [] : [...this.ahead, ...behind]
  }
}

function asRan(delivery: ClaimedDelivery): Ran {
  return { delivery, tookMs: 1 }
}
