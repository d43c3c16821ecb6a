/** The state of one test: its mode, the events that it has published, and which of them strict mode still expects it to assert. */
import type { BusParts } from '../publishing/backend-override.ts'
import { RememberedIds } from '../backends/remembered-ids.ts'
import type { Envelope } from '../events/envelope.ts'
import type { Place } from './published-at.ts'

/** What happens to events: recorded, recorded and required to be asserted, handled inside `publish`, or really published. */
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
  /** @internal How many tests run inside this one. While there are any, code that no test started belongs to them. */
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

  /** True once the test is over. */
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

  /** @internal Records an event, and only then tells the waiting assertions: it is expected before they look at it. */
  record(recorded: RecordedEvent): void {
    this.recorded.push(recorded)
    for (const look of this.#waiting.keys()) look()
  }

  /** @internal Events that an assertion may match: not asserted yet, and in strict mode only those published in strict mode. */
  candidates(): readonly RecordedEvent[] {
    const strictOnly = this.mode === 'strict'
    return this.recorded.filter((one) => !this.#done.has(one) && (one.strict || !strictOnly))
  }

  /** @internal */
  isDone(recorded: RecordedEvent): boolean {
    return this.#done.has(recorded)
  }

  /** @internal Marks events as asserted or reported: they are no longer expected. */
  markDone(...recorded: readonly RecordedEvent[]): void {
    for (const one of recorded) this.#done.add(one)
  }

  /** @internal The events that strict mode still expects to be asserted. */
  unasserted(): readonly RecordedEvent[] {
    return this.recorded.filter((one) => one.strict && !this.#done.has(one))
  }

  /** @internal Calls `look` after every new event, until the function that it returns is called. `from` returns the place that waits. */
  onRecorded(look: () => void, from: () => readonly Place[]): () => void {
    this.#waiting.set(look, from)
    return () => void this.#waiting.delete(look)
  }

  /** @internal The assertions that still wait: each function returns the place in the code. */
  waiting(): readonly (() => readonly Place[])[] {
    return [...this.#waiting.values()]
  }

  /** @internal */
  end(): void {
    this.#ended = true
    this.#waiting.clear()
  }
}
