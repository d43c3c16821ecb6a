/** `circuitBreaker`: a handler whose target is down pauses, probes with one delivery, and goes on. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { failed, type AnyHandler, type BusSignal, type HandlerOptions } from '../../src/index.ts'
import { createBus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const BREAKER = { failures: 5, perMs: 60_000, pauseMs: 1_000 }

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({}, { ownServer: true })
  return () => opened.close()
})

test.each([
  ['jobs', null, {}],
  ['jobs in lanes', 'key', {}],
  ['the log', 'key', { delivery: 'log', shards: 4 }],
] as const)(
  'while its target is down, a handler of %s uses few attempts in two workers together, and no delivery dies',
  async (way, key, options) => {
    let isDown = true
    let calls = 0
    const ended: number[] = []
    const name = `notes.broken-by-${way.replaceAll(' ', '-')}`
    const handler = () =>
      broken(
        name,
        (n) => {
          calls += 1
          if (isDown) return failed('the target is down')
          return void ended.push(n)
        },
        options,
      )
    const signals: BusSignal[] = []
    const buses = [aBus([handler()], signals), aBus([handler()], signals)]
    const workers = buses.map((bus) => bus.worker({ pollMs: 100 }))
    for (const worker of workers) await worker.start()
    onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.stop()))))

    const notes = Array.from({ length: 60 }, (_, n) => NoteTaken({ n, key: key && `${key} ${n % 12}` }))
    const { events } = await buses[0]!.publish(notes)
    const probes = () =>
      signals.filter((signal) => signal.name === 'circuit.open' && signal.fields['handler'] === name).length
    await until('it has opened', () => signals.some((signal) => signal.name === 'circuit.opened'))
    await until('what ran has ended', async () => (await active(name)) === 0)
    const atOpening = calls
    const puttingOff = probes()
    await until('it has probed twice', () => probes() >= puttingOff + 2)
    const probing = calls - atOpening
    isDown = false
    await until('all are handled', () => ended.length === 60, 25_000)

    expect(signals.filter((signal) => signal.name === 'circuit.opened')).toHaveLength(1)
    expect(atOpening).toBeLessThanOrEqual(BREAKER.failures + 40)
    expect(probing).toBeLessThanOrEqual(3)
    await until('it is closed', () => signals.some((signal) => signal.name === 'circuit.closed'))
    const statuses = await Promise.all(events.map(({ id }) => buses[0]!.events.status(id)))
    const attempts = statuses.flatMap((status) => status!.deliveries.map((delivery) => delivery.attempts))
    expect(attempts.reduce((sum, used) => sum + used, 0)).toBeLessThanOrEqual(60 + BREAKER.failures)
    expect(await buses[0]!.deadLetters.count()).toBe(0)
    expect((await buses[0]!.pauses()).pauses).toEqual([])
  },
)

test('an operator sees the pause, and can end it', async () => {
  const bus = aBus(
    [broken('notes.watched', () => failed('down'), { circuitBreaker: { ...BREAKER, failures: 2, pauseMs: 60_000 } })],
    [],
  )
  await bus.publish([1, 2].map((n) => NoteTaken({ n })))
  await bus.worker().drain()

  const { pauses } = await bus.pauses()
  const { count } = await bus.resume({ handler: 'notes.watched' }, { by: 'a test' })

  expect(pauses).toMatchObject([{ handler: 'notes.watched', by: 'circuit breaker' }])
  expect(pauses[0]!.reason).toMatch(/2 attempts failed within 60000 ms, the last one of: down/)
  expect(count).toBe(1)
})

test('failures that are further apart than `perMs` do not count together', async () => {
  const name = 'notes.rarely'
  const rarely = { ...BREAKER, failures: 2, perMs: 60_000 }
  const bus = aBus([broken(name, () => failed('down'), { circuitBreaker: rarely, maxAttempts: 1 })], [])
  for (const n of [1, 2]) {
    await bus.publish(NoteTaken({ n }))
    await bus.worker().drain()
    await opened.database.query(`update postbus.pace set failed_at[1] = failed_at[1] - interval '1 minute'`)
  }

  expect((await bus.pauses()).pauses).toEqual([])
  await bus.publish([3, 4].map((n) => NoteTaken({ n })))
  await bus.worker().drain()
  expect((await bus.pauses()).pauses).toMatchObject([{ handler: name }])
  await bus.resume({ handler: name })
})

test('an error that is not retryable does not count as a failure of the target', async () => {
  const bus = aBus(
    [
      broken('notes.picky', () => failed('wrong'), {
        isRetryable: () => false,
        circuitBreaker: { ...BREAKER, failures: 1 },
      }),
    ],
    [],
  )
  await bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))

  const { dead } = await bus.worker().drain()

  expect(dead).toBe(3)
  expect((await bus.pauses()).pauses).toEqual([])
})

async function active(handler: string): Promise<number> {
  const { rows } = await opened.database.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job where state = 'active' and data ->> 'handler' = $1`,
    [handler],
  )
  return rows[0]!.count
}

function broken(name: string, does: (n: number) => unknown, options: HandlerOptions = {}): AnyHandler {
  return handlerThat(does, {
    name,
    circuitBreaker: BREAKER,
    backoff: { initialMs: 50, factor: 1, jitter: 0 },
    ...options,
  })
}

function aBus(handlers: AnyHandler[], signals: BusSignal[]) {
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers, onSignal: (signal) => void signals.push(signal) })
  onTestFinished(() => bus.close())
  return bus
}
