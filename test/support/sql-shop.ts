/** A shop whose events SQL publishes: every kind of event type and handler, and what the handlers have seen. */
import { z } from 'zod'
import {
  defineBatchHandler,
  defineEvent,
  defineHandler,
  shadow,
  upcast,
  type AnyHandler,
  type Envelope,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from './bus.ts'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.number().default(0), placedAt: z.coerce.date() }),
  partitionKey: ({ orderId }) => orderId,
  retentionMs: 86_400_000,
})
export const Noted = defineEvent('orders.noted', { schema: z.unknown() })
const MeasuredV1 = defineEvent('sensors.measured', { schema: z.object({ fahrenheit: z.coerce.number() }) }) // no handler lists it
const Measured = defineEvent('sensors.measured', {
  version: 3,
  previousNames: ['probes.measured'],
  schema: z.object({ celsius: z.number() }),
  upcasts: {
    1: upcast(MeasuredV1, ({ fahrenheit }) => ({ kelvin: ((fahrenheit as number) - 32) / 1.8 + 273.15 })),
    2: (v2) => ({ celsius: Math.round((v2 as { kelvin: number }).kelvin - 273.15) }),
  },
})

export const Letter = defineEvent('mail.letter', { schema: z.object({ to: z.string() }), partitionKey: ({ to }) => to })
const Guarded = defineEvent('orders.guarded', { schema: z.unknown() })
const ImportStarted = defineEvent('imports.started', {
  schema: z.object({ file: z.string() }),
  finishedEvent: ({ data }) => ImportFinished(data),
})
const ImportFinished = defineEvent('imports.finished', { schema: z.object({ file: z.string() }) })

export interface SqlShop extends TestBus {
  /** The events that handlers were called with. */
  readonly seen: Envelope[]
  /** Calls `publish_event` with these parameters, and returns the id. */
  publish(parameters: string, values?: readonly unknown[]): Promise<string>
  /** How each handler's delivery of an event ended, and why, by the names of the handlers. */
  endsOf(id: string): Promise<Record<string, unknown>>
}

export async function openSqlShop(): Promise<SqlShop> {
  const seen: Envelope[] = []
  const shop = await openTestBus({
    handlers: handlersThat((event) => void seen.push(event)),
    events: [Noted, ImportFinished],
    ttlMs: 3_600_000,
    transaction: () => Promise.reject(new Error('not needed')),
  })
  return {
    ...shop,
    seen,
    async publish(parameters, values = []) {
      const statement = `select postbus.publish_event(${parameters}) as id`
      const { rows } = await shop.database.query<{ id: string }>(statement, [...values])
      return rows[0]?.id ?? ''
    },
    async endsOf(id) {
      const status = await shop.bus.events.status(id)
      return Object.fromEntries(
        status?.deliveries.map(({ handler, state, reason }) => [handler, [state, reason]]) ?? [],
      )
    },
  }
}

function handlersThat(note: (event: Envelope) => void): readonly AnyHandler[] {
  return [
    defineHandler('finances.invoice', { on: OrderCreated, priority: 3, handle: note }),
    defineHandler('stock.large', { on: OrderCreated, interested: ({ data }) => data.total > 100, handle: note }),
    defineHandler('audit.everything', { on: /^orders\.(order|noted)/, queue: 'audit', handle: note }),
    defineHandler('sensors.store', { on: Measured, previousNames: ['probes.store'], handle: note }),
    defineHandler('mail.send', { on: Letter, ordered: false, handle: note }),
    defineBatchHandler('mail.count', {
      on: Letter,
      ordered: false,
      interested: ({ data }) => data.to !== 'ada',
      handle: (events) => events.forEach(note),
    }),
    defineHandler('mail.archive', {
      on: shadow(Letter),
      ordered: false,
      interested: ({ data }) => data.to === 'ada',
      handle: async (event) => note({ ...(await event.fetch()), source: 'shadow' }),
    }),
    defineHandler('mail.log', {
      on: Letter,
      delivery: 'log',
      interested: ({ data }) => data.to !== 'bob',
      handle: note,
    }),
    defineHandler('guard.check', { on: Guarded, runs: 'in-transaction', handle: note }),
    defineHandler('imports.read', { on: ImportStarted, handle: note }),
  ]
}
