/** Handlers that throw, return or are configured with values that no type allows: they fail, and nothing else does. */
import { expect, onTestFinished, test } from 'vitest'
import { discard, failed, type HandlerOptions } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

const throwing =
  (thrown: unknown): (() => never) =>
  () => {
    throw thrown
  }

test.each([
  ['throws an object without a prototype', throwing(Object.create(null)), 'dead'],
  ['throws nothing', throwing(undefined), 'dead'],
  ['throws a symbol', throwing(Symbol('odd')), 'dead'],
  ['throws an error whose message is an object', throwing(Object.assign(new Error(), { message: { odd: 1 } })), 'dead'],
  ['throws an error without a message', throwing(Object.assign(new Error(), { message: undefined })), 'dead'],
  ['throws an error whose stack throws', throwing(withGetter('stack')), 'dead'],
  ['throws an error whose code throws', throwing(withGetter('code')), 'dead'],
  ['throws an error whose cause throws', throwing(withGetter('cause')), 'dead'],
  ['throws a proxy of which nothing can be asked', throwing(untouchable()), 'dead'],
  ['discards with an error in the place of a reason', () => discard(new Error('odd') as never), 'dead'],
  ['fails with a number in the place of a reason', () => failed(7 as never), 'dead'],
  [
    'answers an object of which nothing can be asked',
    () => new Proxy({}, { has: throwing(new Error('no')) }),
    'failed',
  ],
] as const)('a handler that %s affects only its own delivery', async (_, does, becomes) => {
  const { counts, deadReasons } = await drained((n) => (n === 1 ? does() : undefined), { maxAttempts: 1 })

  expect(counts.done).toBe(2)
  expect({ dead: counts.dead, failed: counts.failed }).toEqual({ dead: 0, failed: 0, [becomes]: 1 })
  expect(deadReasons.join()).not.toContain('The worker died')
})

test.each([
  ['a promise', () => Promise.resolve(10)],
  ['nothing', () => undefined],
  ['NaN', () => Number.NaN],
  ['an error', throwing(new Error('odd'))],
  ['infinity', () => Number.POSITIVE_INFINITY],
])('a backoff that returns %s causes only a wait', async (_, backoff) => {
  const options = { backoff: backoff as () => number }

  const { counts, waiting } = await drained((n) => (n === 1 ? throwing(new Error('fails'))() : undefined), options)

  expect(counts).toEqual({ done: 2, failed: 1, dead: 0, snoozed: 0 })
  expect(waiting).toEqual(['retry'])
})

/** One slot per queue, so anything that blocks the slot is noticed. */
async function drained(does: (n: number) => unknown, options: HandlerOptions) {
  const opened = await openTestBus({ handlers: [handlerThat(does, options)] })
  onTestFinished(() => opened.close())
  await opened.bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 }), NoteTaken({ n: 3 })])
  const worker = opened.bus.worker({ queues: { events: 1 }, shutdownGraceMs: 0 })
  onTestFinished(async () => void (await worker.stop()))

  const counts = await worker.drain()

  const { rows } = await opened.database.query<{ state: string }>(
    `select state::text as state from pgboss.job where state < 'completed'`,
  )
  const letters = (await opened.bus.deadLetters.list()).deadLetters
  return { counts, waiting: rows.map(({ state }) => state), deadReasons: letters.map(({ reason }) => reason) }
}

function withGetter(name: string): Error {
  return Object.defineProperty(new Error('odd'), name, { get: throwing(new Error('asked too much')) })
}

function untouchable(): object {
  const refuse = throwing(new Error('do not touch'))
  return new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse })
}
