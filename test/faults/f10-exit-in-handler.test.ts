/** F10: a handler that ends its process whenever it runs. The test restarts the process, as a supervisor does. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'

const TWICE = { name: 'faults.twice', maxAttempts: 2 }

test('F10: an event that kills its worker is a dead letter after its last attempt; all others are handled', async () => {
  const stage = await openStage({ handlers: [TWICE, { name: 'faults.steady' }] })
  onTestFinished(() => stage.close())
  const others = Array.from({ length: 40 }, (_, n) => ({ ms: 20, key: n % 2 ? `key ${n % 5}` : null }))
  const [poison] = await stage.publish({ task: 'exit', ms: 50, for: TWICE.name }, ...others)

  const exits: (number | null)[] = []
  const supervisor = new AbortController()
  const supervised = (async () => {
    while (!supervisor.signal.aborted) {
      const worker = await stage.worker({ wait: false })
      const stop = () => worker.kill('SIGTERM')
      supervisor.signal.addEventListener('abort', stop)
      exits.push((await worker.exited).code)
      supervisor.signal.removeEventListener('abort', stop)
    }
  })()
  await stage.settled(45_000)
  supervisor.abort()
  await supervised

  expect(exits).toEqual([7, 7, 0])
  const [letter, ...rest] = (await stage.bus.deadLetters.list()).deadLetters
  expect(rest).toEqual([])
  expect(letter).toMatchObject({ eventId: poison, handler: TWICE.name })
  expect(letter?.reason).toContain('died or lost its claim')
  expect(letter?.attempts.slice(0, 2).map(({ attempt, code }) => [attempt, code])).toEqual([
    [1, 'POSTBUS_WORKER_DIED'],
    [2, 'POSTBUS_WORKER_DIED'],
  ])
  const handled = (await stage.deliveries()).filter(({ eventId }) => eventId !== poison)
  expect(handled.map(({ state }) => state)).toEqual(Array(40).fill('completed'))
}, 60_000)
