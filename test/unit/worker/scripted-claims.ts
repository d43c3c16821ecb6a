/** A claimer with a database that is a script: each answer comes when the test says so. */
import { z } from 'zod'
import type { ClaimBounds, Claimed } from '../../../src/deliveries/delivery.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { noBatches } from '../../../src/worker/batches/batches.ts'
import { Claimer, type ClaimerParts } from '../../../src/worker/claimer.ts'
import { HandlerSlots } from '../../../src/worker/handler-slots.ts'
import { Held, type HeldDelivery } from '../../../src/worker/held.ts'
import { QueueSignals } from '../../../src/worker/queue-signals.ts'
import { WaitingRoom } from '../../../src/worker/waiting-room.ts'
import { aSignal } from '../../support/notes.ts'
import { aDelivery, stored } from './a-delivery.ts'

const Noted = defineEvent('notes.noted', { schema: z.null() })

export class ScriptedClaims {
  /** The limit of each claim, oldest first. */
  readonly asked: number[] = []
  /** The room of each claim, in bytes. */
  readonly rooms: number[] = []
  readonly running: HeldDelivery[] = []
  readonly stopping = new AbortController()
  readonly waiting: WaitingRoom
  readonly claimer: Claimer
  /** Functions that answer the claims under way, oldest first. */
  readonly #answers: ((deliveries: number, more: boolean, payloadSize: number) => void)[] = []
  readonly #held = new Held()
  /** Resolves when the claimer has ended, with the number of deliveries that it has claimed. */
  ran: Promise<number>

  constructor(options: Partial<ClaimerParts> & { readonly concurrency: number }, isDraining: boolean) {
    this.waiting = new WaitingRoom({
      held: this.#held,
      hasSlot: () => this.claimer.hasSlotForClaimed,
      begin: (one) => void this.running.push(one),
      putOff: () => undefined,
      onLeft: () => undefined,
    })
    this.claimer = new Claimer({
      queue: 'events',
      inLanes: false,
      pollMs: 60_000,
      handlerSlots: new HandlerSlots(new Map()),
      held: this.#held,
      lanes: () => this.#held.size,
      batches: noBatches(),
      waiting: this.waiting,
      signals: new QueueSignals('events', () => undefined),
      stopping: this.stopping.signal,
      begin: (delivery) => this.waiting.admit(delivery),
      store: { claim: (_, limit, bounds) => this.#claim(limit, bounds) },
      ...options,
    })
    this.ran = this.claimer.run(isDraining)
  }

  /** Answers the oldest claim. */
  async answer(deliveries: number, more: boolean, payloadSize = 0): Promise<void> {
    this.#answers.shift()?.(deliveries, more, payloadSize)
    await aMoment()
  }

  /** Ends `count` handlers, and settles their deliveries. */
  async finish(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const one = this.running.shift()
      if (!one) throw new Error(`${n} of ${count} handlers run.`)
      this.#held.returned(one)
      this.claimer.returned()
      this.#held.release(one)
      this.claimer.released()
    }
    await aMoment()
  }

  /** Stops the claimer, and returns the number of deliveries that it has claimed. */
  async stopped(): Promise<number> {
    this.stopping.abort()
    while (this.#answers.length > 0) await this.answer(0, false)
    return this.ran
  }

  async #claim(limit: number, { room = null }: ClaimBounds = {}): Promise<Claimed> {
    this.asked.push(limit)
    this.rooms.push(room ?? 0)
    const answered = aSignal<Claimed>()
    const place = this.asked.length
    this.#answers.push((count, more, payloadSize) => {
      const event = payloadSize === 0 ? null : stored(Noted(null), { payload: 'x'.repeat(payloadSize) })
      const deliveries = Array.from({ length: count }, (_, n) => aDelivery({ id: `${place}-${n}`, event }))
      answered.resolve({ deliveries, more, heldBack: [], lookAgain: false })
    })
    return answered.promise
  }
}

/** Starts a claimer. Its first claim is sent when this returns. */
export async function scriptedClaims(
  options: Partial<ClaimerParts> & { readonly concurrency: number },
  isDraining = false,
): Promise<ScriptedClaims> {
  const claims = new ScriptedClaims(options, isDraining)
  await aMoment()
  return claims
}

/** Handlers of which one has a limit of its own. */
export function limitedSlots(): HandlerSlots {
  return new HandlerSlots(new Map([['other', { perProcess: 1 }]]))
}

export function aMoment(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
