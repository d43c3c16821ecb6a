/** Runs one test: events published inside belong to it, and at its end strict mode checks that all were asserted. */
import { PostbusError } from '../errors.ts'
import { asStackLines, placeInWords } from './published-at.ts'
import { reportUnasserted } from './report-unasserted.ts'
import { state } from './state.ts'
import { installTestBackends } from './test-backends.ts'
import { TestBus, type EventBusMode } from './test-bus.ts'

export interface WithTestBusOptions {
  /** The test's name in error messages. */
  readonly name?: string
  /** The mode to begin with. Default: `mailbox`. */
  readonly mode?: EventBusMode
}

/**
 * Runs a test, or any piece of code, with an event bus of its own: for `node:test` and other runners. In vitest the setup
 * file does this around each test. Returns what `work` returns.
 *
 * @example
 * test('an order is announced', () => withTestBus(async () => {
 *   await placeOrder()
 *   assertEventPublished(OrderCreated)
 * }))
 *
 * @throws what `work` throws; else an AssertionError for events that strict mode still expects, or `POSTBUS_NOT_AWAITED`.
 */
export async function withTestBus<Result>(
  work: (test: TestBus) => Result | Promise<Result>,
  { name = 'this test', mode }: WithTestBusOptions = {},
): Promise<Result> {
  const test = new TestBus(name, state.outside, state.late.length)
  if (mode) test.choose(mode)
  const leave = enter(test)
  try {
    const result = await state.current.run(test, () => work(test))
    checkAtEnd(test)
    return result
  } finally {
    leave()
  }
}

function enter(test: TestBus): () => void {
  const around = state.current.getStore()
  const uninstall = installTestBackends()
  state.running.add(test)
  if (around) around.inner += 1
  return () => {
    test.end()
    state.running.delete(test)
    if (around) around.inner -= 1
    uninstall()
  }
}

function checkAtEnd(test: TestBus): void {
  const [waiting] = test.waiting()
  if (waiting) throw notAwaited(waiting())
  reportUnasserted(test)
}

function notAwaited(places: ReturnType<ReturnType<TestBus['waiting']>[number]>): PostbusError {
  const where = places[0] ? ` at ${placeInWords(places[0])}` : ''
  const error = new PostbusError(
    'POSTBUS_NOT_AWAITED',
    `The test ended while assertEventPublished(…, { withinMs })${where} was still waiting. Await it.`,
  )
  error.stack = `${error.name}: ${error.message}\n${asStackLines(places)}`
  return error
}
