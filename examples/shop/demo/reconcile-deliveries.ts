/** The part of the account about each handler: its deliveries, its runs, and the rows in its module's table. */
import { isInvoiced, type Expectation } from './expectation.ts'
import type { Found, FoundInTables } from './found.ts'
import { sum, type Count, type Line } from './line.ts'

export function deliveryLines(expected: Expectation, found: Found): Line[] {
  const done = expected.deliveries.filter(({ ends }) => ends === 'done')
  const perHandler = [...Map.groupBy(done, ({ handler }) => handler)].map(([handler, deliveries]) => ({
    what: `  ${handler}`,
    expected: deliveries.length,
    found: countsOf(handler, found),
  }))
  return [
    {
      what: 'deliveries done',
      expected: done.length,
      found: [
        { count: sum(found.jobs.map(({ completed }) => completed)), where: 'jobs completed' },
        { count: found.runs.length, where: 'in the ledger' },
      ],
    },
    ...perHandler,
    ...contentLines(expected, found.tables),
    retryLine(expected, found),
  ]
}

function countsOf(handler: string, { jobs, runs, tables }: Found): readonly Count[] {
  return [
    { count: jobs.find((one) => one.handler === handler)?.completed ?? 0, where: 'jobs' },
    { count: runs.filter((one) => one.handler === handler).length, where: 'in the ledger' },
    ...ownRows(handler, tables),
  ]
}

/** The rows in the module's table, for handlers that write one row per delivery. */
function ownRows(handler: string, tables: FoundInTables): readonly Count[] {
  switch (handler) {
    case 'finances.create-invoice':
      return [{ count: tables.invoices, where: 'invoices' }]
    case 'cargo.book-courier':
      return [{ count: tables.couriers, where: 'couriers' }]
    case 'cargo.send-parcel':
      return [{ count: tables.parcels, where: 'parcels' }]
    case 'email.send-receipt':
      return [{ count: tables.messages, where: 'messages' }]
    default:
      return []
  }
}

/** Checks sums besides counts: they show that the data arrived unchanged. */
function contentLines({ orders, deliveries }: Expectation, tables: FoundInTables): Line[] {
  const units = sum(orders.flatMap(({ lines }) => lines.map(({ quantity }) => quantity)))
  const dead = new Set(deliveries.filter(({ ends }) => ends === 'dead').map(({ orderId }) => orderId))
  const invoiced = orders.filter((order) => isInvoiced(order) && !dead.has(order.orderId))
  return [
    {
      what: 'cents invoiced',
      expected: sum(invoiced.map(({ totalCents }) => totalCents)),
      found: [{ count: tables.invoicedCents, where: 'in finances_invoice' }],
    },
    {
      what: 'units of stock',
      expected: units,
      found: [
        { count: tables.unitsReserved, where: 'reserved' },
        { count: tables.unitsRemoved, where: 'removed' },
      ],
    },
  ]
}

/** Each failed attempt is followed by a retry, except the last attempt of a dead delivery. */
function retryLine({ deliveries }: Expectation, { jobs }: Found): Line {
  const dead = deliveries.filter(({ ends }) => ends === 'dead').length
  const errors = sum(jobs.map((one) => one.errors))
  return {
    what: 'retries',
    expected: sum(deliveries.map(({ failedAttempts }) => failedAttempts)) - dead,
    found: [{ count: errors - sum(jobs.map(({ failed }) => failed)), where: 'by the errors kept with the jobs' }],
  }
}
