/** The account, line by line: the numbers that the orders demand, and the numbers in the database. It changes neither. */
import type { Expectation } from './expectation.ts'
import type { Found } from './found.ts'
import { sum, type Line } from './line.ts'
import { deliveryLines } from './reconcile-deliveries.ts'
import { promiseLines } from './reconcile-promises.ts'

/** `workerExits` are the exit codes of the worker processes; omitted when no workers were started. */
export function reconcile(expected: Expectation, found: Found, workerExits?: readonly (number | null)[]): Line[] {
  return [
    ...orderLines(expected, found),
    ...deliveryLines(expected, found),
    ...promiseLines(expected, found),
    ...(workerExits ? [workerLine(workerExits)] : []),
  ]
}

function orderLines({ orders, declined, events }: Expectation, found: Found): Line[] {
  const eventLines = [...events].map(([type, count]) => ({
    what: `  ${type}`,
    expected: count,
    found: [{ count: found.events.get(type) ?? 0, where: '' }],
  }))
  return [
    {
      what: 'orders committed',
      expected: orders.length,
      found: [{ count: found.orderIds.length, where: 'in orders_order' }],
    },
    rolledBackLine(declined, found),
    {
      what: 'events stored',
      expected: sum([...events.values()]),
      found: [{ count: sum([...found.events.values()]), where: 'in postbus_demo.event' }],
    },
    ...eventLines,
  ]
}

/** An order that was rolled back after its event was published must have neither a row nor an event. */
function rolledBackLine(declined: Expectation['declined'], found: Found): Line {
  const orders = new Set(found.orderIds)
  const published = new Set(found.ordersWithEvents)
  return {
    what: 'orders rolled back',
    expected: declined.length,
    found: [
      { count: declined.filter(({ orderId }) => !orders.has(orderId)).length, where: 'have no row' },
      { count: declined.filter(({ orderId }) => !published.has(orderId)).length, where: 'have no event' },
    ],
  }
}

function workerLine(exits: readonly (number | null)[]): Line {
  return {
    what: 'workers that ended well',
    expected: exits.length,
    found: [{ count: exits.filter((code) => code === 0).length, where: 'exit codes 0' }],
  }
}
