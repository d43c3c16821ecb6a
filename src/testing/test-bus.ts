/** What one test has published: its mode, its events, and what strict mode still expects of it. */
import type { BusParts } from '../publishing/backend-override.ts'
import { RememberedIds } from '../backends/remembered-ids.ts'
import type { Envelope } from '../events/envelope.ts'
import type { Place } from './published-at.ts'

/** What happens to events: recorded, recorded and to be asserted, handled in `publish`, or really published. */
export type EventBusMode = 'mailbox' | 'strict' | 'inline' | 'live'

/** @internal */
export interface RecordedEvent {
  readonly event: Envelope
  readonly bus: BusParts
  /** Published in strict mode. */
  readonly strict: boolean
  publishedAt(): readonly Place[]
}

/** One test, as the testing kit sees it. Made by the setup file, or by `withTestBus()`. */
export class TestBus {
  /** The test's name. */
  readonly name: string
  /** @internal Every event of this test, in the order of publishing. */
  readonly recorded: RecordedEvent[] = []
  /** @internal Every event that was broadcast, in order. */
  readonly broadcasts: Envelope[] = []
  /** @internal Tests inside this one: foreign code then belongs to them. */
  inner = 0
  /** @internal How many late events there were when this test began. */
  readonly lateBefore: number
  #chosen: EventBusMode | null = null
  readonly #outside: TestBus | null
  readonly #done = new Set<RecordedEvent>()
  readonly #ids = new WeakMap<BusParts, RememberedIds>()
  readonly #waiting = new Map<() => void, () => readonly Place[]>()
  #ended = false

  /** @internal Made for each test by the setup file, or by `withTestBus()`. */
  constructor(name: string, outside: TestBus | null, lateBefore = 0) {
    this.name = name
    this.#outside = outside
    this.lateBefore = lateBefore
  }

  /** @internal The mode that was chosen here or for the whole file, or null when none was. */
  get chosenMode(): EventBusMode | null {
    return this.#chosen ?? this.#outside?.chosenMode ?? null
  }

  /** The mode that its events have now. */
  get mode(): EventBusMode {
    return this.chosenMode ?? 'mailbox'
  }

  /** Whether the test is over. */
  get ended(): boolean {
    return this.#ended
  }

  /** @internal */
  choose(mode: EventBusMode): void {
    this.#chosen = mode
  }

  /** @internal Ids are remembered per bus: two buses stand for two databases. */
  idsOf(bus: BusParts): RememberedIds {
    const ids = this.#ids.get(bus) ?? new RememberedIds()
    this.#ids.set(bus, ids)
    return ids
  }

  /** @internal Takes an event up, and then tells those who wait: it is expected before anyone can have seen it. */
  record(recorded: RecordedEvent): void {
    this.recorded.push(recorded)
    for (const look of this.#waiting.keys()) look()
  }

  /** @internal Events that an assertion may be about: in strict mode only strict ones, each until it was asserted. */
  candidates(): readonly RecordedEvent[] {
    const strictOnly = this.mode === 'strict'
    return this.recorded.filter((one) => !this.#done.has(one) && (one.strict || !strictOnly))
  }

  /** @internal */
  isDone(recorded: RecordedEvent): boolean {
    return this.#done.has(recorded)
  }

  /** @internal Nothing more is expected of an event: it was asserted, or reported. */
  markDone(...recorded: readonly RecordedEvent[]): void {
    for (const one of recorded) this.#done.add(one)
  }

  /** @internal What strict mode still expects. */
  unasserted(): readonly RecordedEvent[] {
    return this.recorded.filter((one) => one.strict && !this.#done.has(one))
  }

  /** @internal Calls `look` after every new event, until the function that it returns is called. `from` says who waits. */
  onRecorded(look: () => void, from: () => readonly Place[]): () => void {
    this.#waiting.set(look, from)
    return () => void this.#waiting.delete(look)
  }

  /** @internal Assertions that still wait, by where they stand. */
  waiting(): readonly (() => readonly Place[])[] {
    return [...this.#waiting.values()]
  }

  /** @internal */
  end(): void {
    this.#ended = true
    this.#waiting.clear()
  }
}
