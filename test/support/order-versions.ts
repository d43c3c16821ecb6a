/** One event type as three releases define it, each with upcasts from all the versions before. */
import { z } from 'zod'
import { defineEvent, defineHandler, upcast, type AnyEventType, type AnyHandler } from '../../src/index.ts'

const TYPE = 'orders.order-created'

/** The total in euros, as text. */
export const V1 = defineEvent(TYPE, { version: 1, schema: z.object({ orderId: z.string(), total: z.string() }) })

/** The total in cents. */
export const V2 = defineEvent(TYPE, {
  version: 2,
  schema: z.object({ orderId: z.string(), cents: z.int() }),
  upcasts: { 1: upcast(V1, ({ orderId, total }) => ({ orderId, cents: Math.round(Number(total) * 100) })) },
})

const fromV2 = upcast(V2, ({ orderId, cents }) => ({ orderId, amount: `${cents} EUR` }))

/** An amount with its currency, which the schema splits, so that its output differs from its input. */
export const V3 = defineEvent(TYPE, {
  version: 3,
  schema: z.object({
    orderId: z.string(),
    amount: z.string().transform((text) => {
      const [cents, currency = ''] = text.split(' ')
      return { cents: Number(cents), currency }
    }),
  }),
  upcasts: {
    1: upcast(V1, ({ orderId, total }) => ({ orderId, cents: Math.round(Number(total) * 100) })),
    2: fromV2,
  },
})

export const VERSIONS: Readonly<Record<number, AnyEventType>> = { 1: V1, 2: V2, 3: V3 }

/** The same order, as each release publishes it. */
export const anOrderOf = {
  1: () => V1({ orderId: 'o-1', total: '12.50' }),
  2: () => V2({ orderId: 'o-1', cents: 1_250 }),
  3: () => V3({ orderId: 'o-1', amount: '1250 EUR' }),
} as const

/** What a handler of each release sees of the order, no matter which release has published it. */
export const SEEN: Readonly<Record<number, object>> = {
  1: { version: 1, data: { orderId: 'o-1', total: '12.50' } },
  2: { version: 2, data: { orderId: 'o-1', cents: 1_250 } },
  3: { version: 3, data: { orderId: 'o-1', amount: { cents: 1_250, currency: 'EUR' } } },
}

/** Every pair of a release of the code and a release that has stored the event. */
export const MATRIX = ([1, 2, 3] as const).flatMap((code) => ([1, 2, 3] as const).map((stored) => ({ code, stored })))

/** The handler as a release has it. */
export function receiptOf(code: number, seen: object[], name = 'mail.receipt'): AnyHandler {
  return defineHandler(name, {
    on: VERSIONS[code] as AnyEventType,
    handle: ({ version, data }) => void seen.push({ version, data }),
  })
}
