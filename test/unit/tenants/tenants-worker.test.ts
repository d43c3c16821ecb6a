/** A worker for tenants when databases of some tenants do not answer. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TenantsWorker, type WorkedTenant } from '../../../src/tenants/tenants-worker.ts'
import type { Worker } from '../../../src/worker/worker.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const never = new Promise<never>(() => undefined)

test('start does not wait for a tenant whose database does not answer', async () => {
  const worker = workerFor(() => [tenant('away', { start: never }), tenant('near')])

  const started = worker.start()
  await vi.advanceTimersByTimeAsync(6_000)
  await started

  expect(worker.tenants()).toEqual(['away', 'near'])
})

test('a tenant that cannot start yet does not delay later tenants', async () => {
  const near = tenant('near')
  const listed: WorkedTenant[] = [near]
  const worker = workerFor(() => listed)
  await worker.start()

  listed.push(tenant('away', { start: never }))
  await vi.advanceTimersByTimeAsync(1_500)
  const later = tenant('later')
  listed.push(later)
  await vi.advanceTimersByTimeAsync(1_500)

  expect(later.started).toBe(1)
  expect(near.started).toBe(1)
})

test('the worker is ready while at least one database answers', async () => {
  const pings: Record<string, Promise<unknown>> = { far: never, near: Promise.resolve() }
  const worker = workerFor(() => Object.keys(pings).map((name) => tenant(name, { ping: () => pings[name]! })))
  const http = worker.http()
  const readiness = async () => {
    const response = http(new Request('http://worker/readyz'))
    await vi.advanceTimersByTimeAsync(5_000) // longer than a health answer is remembered
    return (await response).status
  }

  expect(await readiness()).toBe(503) // the worker has not started
  await worker.start()
  expect(await readiness()).toBe(200)
  pings['near'] = Promise.reject(new Error('gone'))
  pings['near'].catch(() => undefined)
  expect(await readiness()).toBe(503)
})

test('drain goes on with the others when a database does not answer or a worker fails, and stops each worker', async () => {
  const broken = tenant('broken', { drain: () => Promise.reject(new Error('permission denied')) })
  const near = tenant('near')
  const silent = tenant('silent', { ping: () => never })
  const refused = tenant('refused', { ping: () => Promise.reject(new Error('ECONNREFUSED')) })
  const said: string[] = []
  const list = async () => [silent, refused, broken, near]
  const worker = new TenantsWorker({ list, lookEveryMs: 1_000, emit: (...[, , text]) => void said.push(text) })

  const drained = worker.drain()
  drained.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(6_000)

  await expect(drained).rejects.toThrow('The database silent has not answered within 5 s.')
  expect(said.map((text) => text.split(':')[0])).toEqual(['silent', 'refused', 'broken'])
  expect([silent, refused, broken, near].map(({ drained: times, stopped }) => [times, stopped])).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
    [1, 1],
  ])
})

interface FakeTenant extends WorkedTenant {
  readonly started: number
  readonly drained: number
  readonly stopped: number
}

function tenant(
  name: string,
  { start = Promise.resolve(), drain = () => Promise.resolve(), ping = async (): Promise<unknown> => undefined } = {},
): FakeTenant {
  const counts = { done: 0, failed: 0, dead: 0, snoozed: 0 }
  const made = {
    name,
    started: 0,
    drained: 0,
    stopped: 0,
    member: { about: { source: null, name, schema: name }, database: name, ping },
    makeWorker: () =>
      ({
        start: () => {
          made.started += 1
          return start
        },
        drain: () => {
          made.drained += 1
          return drain()
        },
        stop: async () => {
          made.stopped += 1
          return { givenBack: 0 }
        },
        counts: () => counts,
      }) as unknown as Worker,
  }
  return made
}

function workerFor(list: () => readonly WorkedTenant[]): TenantsWorker {
  return new TenantsWorker({ list: async () => [...list()], lookEveryMs: 1_000, emit: () => undefined })
}
