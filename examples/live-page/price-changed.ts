/** The event that is broadcast when a price has changed. */
import { z } from 'zod'
import { defineEvent } from '../../src/index.ts'

export const PriceChanged = defineEvent('shop.price-changed', {
  schema: z.object({ productId: z.string(), cents: z.int() }),
})
