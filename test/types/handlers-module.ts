/** A module whose exports are handlers, for the tests of types. */
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.string() })

export const receipt = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })
export const others = [defineHandler('audit.log', { on: 'orders.*', handle() {} })]
