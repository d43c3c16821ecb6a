/** Measures the cost of a partition key at publish: the same events to the same handlers, with a key and without. */
import { defineEvent, defineHandler, createBus, type Bus } from '../../src/index.ts'
import { z } from 'zod'
import type { Case, Entry, Extent, Figures, Question } from '../question.ts'

const schema = z.object({ orderId: z.string(), customerId: z.string(), total: z.number(), placedAt: z.string() })
const WithKey = defineEvent('bench.with-key', { schema, partitionKey: (data) => data.orderId })
const WithoutKey = defineEvent('bench.without-key', { schema })
type AnyOfThem = typeof WithKey | typeof WithoutKey

const HANDLERS = ['bench.first', 'bench.second', 'bench.third']
const KEYS = 5_000
const SINGLE = 'one event in its own transaction'
const LIST = 'lists of 1,000'
const RATE = 'events/s'

export const publishPartitioned: Question = {
  name: 'publish-partitioned',
  asks: 'what does a partition key cost at publish?',
  rounds: 5,
  notes: [
    'One process that awaits each publish; three handlers, so three deliveries per event; 5,000 keys in turn.',
    'Both publish into an empty, migrated database, after a hundred publishes that are not timed.',
  ],
  cases: casesOf,
  goals: [SINGLE, LIST].map((name) => ({
    says: `${name}: cost of an event with a key, in times of one without`,
    measured: (figure) =>
      figure({ case: name, contestant: 'postbus, without a key', figure: RATE }) /
      figure({ case: name, contestant: 'postbus, with a key', figure: RATE }),
    atMost: 1.15,
  })),
}

function casesOf({ quick }: Extent): readonly Case[] {
  if (quick) return [{ name: SINGLE, entries: bothWith({ publishes: 20, list: 1 }) }]
  return [
    { name: SINGLE, entries: bothWith({ publishes: 3_000, list: 1 }) },
    { name: LIST, entries: bothWith({ publishes: 20, list: 1_000 }) },
  ]
}

interface Amount {
  readonly publishes: number
  readonly list: number
}

function bothWith(amount: Amount): readonly Entry[] {
  const configuration = `${amount.publishes} × bus.publish(${amount.list === 1 ? 'event' : `${amount.list} events`})`
  const entry = (contestant: string, event: AnyOfThem): Entry => ({
    contestant,
    configuration,
    state: 'migrated',
    prepare: ({ connectionString }) => withBus(connectionString, async (bus) => void (await bus.migrate())),
    measure: ({ connectionString }) => withBus(connectionString, (bus) => publishRate(bus, event, amount)),
  })
  return [entry('postbus, with a key', WithKey), entry('postbus, without a key', WithoutKey)]
}

async function publishRate(bus: Bus, event: AnyOfThem, { publishes, list }: Amount): Promise<Figures> {
  await publishAll(bus, event, { publishes: 100, list: 1 })
  const startedAt = performance.now()
  await publishAll(bus, event, { publishes, list })
  return { [RATE]: (1_000 * publishes * list) / (performance.now() - startedAt) }
}

async function publishAll(bus: Bus, event: AnyOfThem, { publishes, list }: Amount): Promise<void> {
  for (let n = 0; n < publishes; n += 1) {
    await bus.publish(Array.from({ length: list }, (_, place) => anEventOf(event, n * list + place)))
  }
}

function anEventOf(event: AnyOfThem, place: number) {
  const orderId = `order-${place % KEYS}`
  return event({ orderId, customerId: 'customer-1-of-the-bench', total: place, placedAt: '2026-01-01T12:00:00.000Z' })
}

async function withBus<Result>(connectionString: string, work: (bus: Bus) => Promise<Result>): Promise<Result> {
  const handlers = HANDLERS.map((name) => defineHandler(name, { on: [WithKey, WithoutKey], handle: () => undefined }))
  const bus = createBus({ connectionString, handlers, onSignal: () => undefined })
  try {
    return await work(bus)
  } finally {
    await bus.close()
  }
}
