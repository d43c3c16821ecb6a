/**
 * Takes over the claims of workers that died. The database's clock, which may be set, never decides that a worker is dead. It is dead
 * when the heartbeat of its claim has not moved for 6 s between looks, by this worker's own clock, which is never set.
 *
 *   a heartbeat that is not recent ── the same 6 s later ──► taken over
 *        ▲                                 │
 *        └── seen again ◄── a look was delayed, or failed twice, or came late: all that was seen is forgotten
 *
 * If each look takes longer than a second, heartbeats may be as slow: they get more time.
 *
 * A delay of this worker may also delay the heartbeats of all others, and after an outage all claims look abandoned, our own too. So
 * after a delay or an outage, all workers first get time to send a heartbeat.
 */
import { performance, sleep } from '../clock.ts'
import type { DeliveryStore, Look, SilentClaim } from '../deliveries/delivery-store.ts'
import type { Emit } from '../signals.ts'

const LOOK_EVERY_MS = 2_500
/** While there is something to watch. */
const LOOK_AGAIN_MS = 1_000
/** A silent heartbeat is at least 4 s old when it is first seen. Together that makes the 10 s after which a worker is taken for dead. */
const UNMOVED_MS = 6_000
/** Looks at a healthy database take less time than this. */
const LONGEST_LOOK_MS = 1_000
/** If all looks take long, the network or the server is slow. But a look that takes this many times longer than the last was held up. */
const HELD_UP = 2
const LONGEST_PAUSE_MS = 5_000
const LOOK_AT_ALL_EVERY_MS = 60_000
/** If the database's clock and ours differ by more than this about the time between two looks, the database's clock was set. */
const CLOCK_STEP_MS = 1_000

export interface RecoveryParts {
  readonly store: Pick<DeliveryStore, 'recover'>
  readonly emit: Emit
}

interface Seen {
  readonly claim: SilentClaim
  /** `performance.now()` when the claim was first seen with this heartbeat. */
  readonly since: number
}

export class Recovery {
  readonly #parts: RecoveryParts
  #seen: ReadonlyMap<string, Seen> = new Map()
  #last: { readonly at: number; readonly lookedAt: number } | null = null
  #lookedAtAll = -Infinity
  /** How long the last look took. */
  #tookMs = 0

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  /** Looks until `over` is aborted, and calls `announce` at most every 2.5 s. Failures are not reported here: claims report an unreachable database. */
  async run(announce: () => Promise<void>, over: AbortSignal): Promise<void> {
    let announcedAt = -Infinity
    while (!over.aborted) {
      if (performance.now() - announcedAt >= LOOK_EVERY_MS) {
        await announce().catch(() => undefined) // next time; the look finds out whether the database is there
        announcedAt = performance.now()
      }
      await this.look()
        .catch(() => this.look()) // one broken connection says nothing about the others
        .catch(() => this.#forget())
      await sleep(this.#seen.size > 0 ? LOOK_AGAIN_MS : LOOK_EVERY_MS, over)
    }
  }

  async look(): Promise<void> {
    const began = performance.now()
    if (this.#last === null || began - this.#last.at > LONGEST_PAUSE_MS) this.#forget()
    const seen = [...this.#seen.values()]
    const slowMs = this.#tookMs > LONGEST_LOOK_MS ? this.#tookMs : 0
    const unmovedMs = UNMOVED_MS + HELD_UP * slowMs
    const look = await this.#parts.store.recover({
      watched: seen.map(({ claim }) => claim),
      lost: new Set(seen.filter(({ since }) => began - since >= unmovedMs).map(({ claim }) => claim)),
      lookedAt: this.#last && this.#last.lookedAt + slowMs / 1_000, // that answer took time to arrive, and so will this question
      all: began - this.#lookedAtAll >= LOOK_AT_ALL_EVERY_MS,
    })
    this.#learn(look, began)
    for (const { queue, count } of look.recovered) {
      const message = `${queue}: ${count} deliveries were taken over from a worker that went silent.`
      this.#parts.emit('warn', 'delivery.recovered', message, { queue, count })
    }
  }

  #learn(look: Look, began: number): void {
    const now = performance.now()
    const isLate = look.isDelayed || now - began > Math.max(LONGEST_LOOK_MS, HELD_UP * this.#tookMs)
    this.#tookMs = now - began
    const before = isLate ? new Map<string, Seen>() : this.#seen
    if (began - this.#lookedAtAll >= LOOK_AT_ALL_EVERY_MS && !look.isDelayed) this.#lookedAtAll = began
    if (this.#last && isStep(look.at - this.#last.lookedAt, now - this.#last.at)) this.#lookedAtAll = -Infinity
    this.#last = { at: now, lookedAt: look.at }
    this.#seen = new Map(
      look.silent.map((claim) => {
        const key = `${claim.queue} ${claim.id} ${claim.claim} ${claim.beat}`
        return [key, before.get(key) ?? { claim, since: now }]
      }),
    )
  }

  /** Gives all workers time to send a heartbeat. The next look covers all claims, however long they have been silent. */
  #forget(): void {
    this.#seen = new Map()
    this.#last = null
    this.#lookedAtAll = -Infinity
  }
}

/** Whether the database's clock was set. A look at recent heartbeats would then not find those from before. */
function isStep(seconds: number, ms: number): boolean {
  return Math.abs(seconds * 1_000 - ms) > CLOCK_STEP_MS
}
