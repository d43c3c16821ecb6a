/** Measures the cost of spans and metrics: one bus with and one without, in turns in one process, on the real SDK. The exporter drops all. */
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { Pool } from 'pg'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { createBus, defineHandler, type Bus } from '../../src/index.ts'
import { openTelemetry } from '../../src/otel/index.ts'
import { OrderPlaced } from '../contestants/postbus.ts'
import { orderOf } from '../order.ts'
import type { Entry, FigureOf, Figures, Goal, Question } from '../question.ts'
import { summaryOf } from '../statistics.ts'

const CASE = 'telemetry on, against off'
const OURS = 'openTelemetry()'
const PUBLISH = 'publish takes longer by, %'
const DRAIN = 'drain takes longer by, %, where a handler runs one statement'
const DRAIN_NOTHING = 'drain takes longer by, %, where a handler does nothing'

export const telemetry: Question = {
  name: 'telemetry',
  asks: 'what do spans and metrics cost?',
  rounds: 3,
  notes: [
    'Publish: one event at a time, in a transaction of its own. Drain: `bus.drain()` of a backlog; the statement is `select 1`, on a connection of the handler.',
    'Each figure is the median of pairs that were measured one after the other, in turns which of the two comes first.',
    'Every span is recorded and exported in batches, to an exporter that drops them.',
  ],
  cases: ({ quick }) => [{ name: CASE, entries: [inPairs(quick ? 1 : 9, quick ? 20 : 400, quick ? 50 : 5_000)] }],
  goals: [goal(PUBLISH, 10), goal(DRAIN, 15)],
}

function goal(says: string, atMost: number): Goal {
  const measured = (figure: FigureOf) => figure({ case: CASE, contestant: OURS, figure: says })
  return { says, measured, atMost }
}

function inPairs(pairs: number, publishes: number, backlog: number): Entry {
  return {
    contestant: OURS,
    configuration: `BatchSpanProcessor, MeterProvider without a reader, ${pairs} pairs of ${publishes} publishes and of ${backlog} deliveries`,
    state: 'migrated',
    async prepare({ connectionString }) {
      await using bus = busOf(connectionString, () => undefined)
      await bus.migrate()
    },
    async measure({ connectionString }): Promise<Figures> {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
      const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(dropping)] })
      const meterProvider = new MeterProvider()
      const { middleware } = openTelemetry({ tracerProvider, meterProvider })
      const pool = new Pool({ connectionString, max: 20 })
      const doing = { handle: (): unknown => undefined }
      await using off = busOf(connectionString, () => doing.handle())
      await using on = busOf(connectionString, () => doing.handle(), [middleware])
      const publish = (bus: Bus) => msOf(() => oneByOne(bus, publishes))
      const drain = async (bus: Bus) => {
        await fill(off, backlog)
        return msOf(() => bus.drain())
      }
      for (const bus of [off, on]) await publish(bus) // connections, plans, compiled code
      const published = await cost(pairs, publish, { off, on })
      await off.drain()
      for (const bus of [off, on]) await drain(bus)
      const nothing = await cost(pairs, drain, { off, on })
      doing.handle = () => pool.query('select 1')
      const statement = await cost(pairs, drain, { off, on })
      await pool.end()
      await tracerProvider.shutdown()
      await meterProvider.shutdown()
      context.disable()
      return { [PUBLISH]: published, [DRAIN]: statement, [DRAIN_NOTHING]: nothing }
    },
  }
}

/** How much longer `measure` takes with telemetry, in percent. */
async function cost(pairs: number, measure: (bus: Bus) => Promise<number>, { off, on }: { off: Bus; on: Bus }) {
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = pair % 2 === 0 ? off : on
    const one = await measure(first)
    const other = await measure(first === off ? on : off)
    ratios.push(first === off ? other / one : one / other)
  }
  return 100 * (summaryOf(ratios).median - 1)
}

async function oneByOne(bus: Bus, publishes: number): Promise<void> {
  for (let place = 0; place < publishes; place += 1) await bus.publish(OrderPlaced(orderOf(`order-${place}`, place)))
}

async function fill(bus: Bus, backlog: number): Promise<void> {
  for (let start = 0; start < backlog; start += 1_000) {
    const places = Array.from({ length: Math.min(1_000, backlog - start) }, (_, place) => start + place)
    await bus.publish(places.map((place) => OrderPlaced(orderOf(`order-${place}`, place))))
  }
}

function busOf(
  connectionString: string,
  handle: () => unknown,
  middleware: NonNullable<Parameters<typeof createBus>[0]>['middleware'] = [],
): Bus {
  const handlers = [defineHandler('bench.receive', { on: OrderPlaced, handle })]
  return createBus({ connectionString, handlers, middleware, onSignal: () => undefined })
}

const dropping: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => undefined,
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
