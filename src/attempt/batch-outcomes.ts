/** Collects the outcomes that a batch handler sets for single events of its batch, while it runs. */
import { inspect } from 'node:util'
import { PostbusError } from '../errors.ts'
import type { BatchOutcomes, MemberEvent } from '../handlers/batching.ts'
import { isAnswer } from '../handlers/outcome.ts'

export class MemberOutcomes implements BatchOutcomes<MemberEvent> {
  readonly #handler: string
  readonly #members: ReadonlySet<string>
  readonly #said = new Map<string, unknown>()
  #isOver = false

  /** `members`: the ids of the events. */
  constructor(handler: string, members: Iterable<string>) {
    this.#handler = handler
    this.#members = new Set(members)
  }

  set(event: MemberEvent, outcome: unknown): void {
    this.check(event, 'context.outcomes.set()')
    if (this.#isOver)
      throw new PostbusError(
        'POSTBUS_CLOSED',
        `Handler "${this.#handler}": context.outcomes.set() was called after the handler had returned: what became of the batch is decided by then. Await what you begin.`,
      )
    if (!isAnswer(outcome))
      throw this.#refusal(
        'context.outcomes.set()',
        `expected failed(…), discard(…), skip(…), snooze(…) or awaitCompletion(…), but got ${kindOf(outcome)}.`,
      )
    this.#said.set(event.id, outcome)
  }

  /** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the event is not of this batch. */
  check(event: unknown, where: string): void {
    const id: unknown = typeof event === 'object' && event !== null && 'id' in event ? event.id : undefined
    if (typeof id === 'string' && this.#members.has(id)) return
    const got = typeof id === 'string' ? `event ${id}` : kindOf(event)
    throw this.#refusal(where, `expected an event of this batch, but got ${got}.`)
  }

  /** Returns the outcome that was set for an event, or `otherwise`, the answer for the whole batch. */
  of(id: string, otherwise: unknown): unknown {
    return this.#said.has(id) ? this.#said.get(id) : otherwise
  }

  end(): void {
    this.#isOver = true
  }

  #refusal(where: string, problem: string): PostbusError {
    return new PostbusError('POSTBUS_INVALID_OPTIONS', `Handler "${this.#handler}": ${where}: ${problem}`)
  }
}

function kindOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : inspect(value)
}
