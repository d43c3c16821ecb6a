/** The part of the account about each handler: what it was sent, what it did, and what its module has to show for it. */
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

/** What a handler leaves in its module's table, where it is one row per delivery. */
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

/** Not only how often, but how much: the data came through. */
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

/** Every failed attempt but the last one of a dead delivery is followed by a retry. */
function retryLine({ deliveries }: Expectation, { jobs }: Found): Line {
  const dead = deliveries.filter(({ ends }) => ends === 'dead').length
  const errors = sum(jobs.map((one) => one.errors))
  return {
    what: 'retries',
    expected: sum(deliveries.map(({ failedAttempts }) => failedAttempts)) - dead,
    found: [{ count: errors - sum(jobs.map(({ failed }) => failed)), where: 'by the errors kept with the jobs' }],
  }
}
