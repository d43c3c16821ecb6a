/** The part of the account that must be zero: lost, duplicate, unexpected and out of order. It also counts the dead letters. */
import type { ExpectedDelivery, Expectation } from './expectation.ts'
import type { Found } from './found.ts'
import { sum, type Line } from './line.ts'

type Key = Pick<ExpectedDelivery, 'handler' | 'eventType' | 'orderId'>

export function promiseLines({ deliveries }: Expectation, found: Found): Line[] {
  const done = keysOf(deliveries.filter(({ ends }) => ends === 'done'))
  const dead = keysOf(deliveries.filter(({ ends }) => ends === 'dead'))
  const ran = keysOf(found.runs)
  const buried = keysOf(found.deadLetters.map(keyOfLetter))

  const lost = countMissing(keysOf(deliveries), new Set([...ran, ...buried]))
  const unexpected = countMissing(ran, done) + countMissing(buried, dead)
  return [
    {
      what: 'dead letters',
      expected: dead.size,
      found: [
        { count: found.deadLetters.length, where: 'in the list' },
        { count: sum(found.jobs.map(({ failed }) => failed)), where: 'jobs failed' },
      ],
    },
    nothing('unfinished', sum(found.jobs.map(({ live }) => live)), 'jobs waiting or running'),
    nothing('lost', lost, 'neither done nor dead'),
    nothing('duplicates', sum(found.runs.map(({ runs }) => runs - 1)), 'runs beyond the first'),
    nothing('unexpected', unexpected, 'done or dead that should not be'),
    nothing('out of order', outOfOrder(found), 'removed from stock before reserved'),
  ]
}

function keysOf(list: readonly Key[]): ReadonlySet<string> {
  return new Set(list.map(({ handler, eventType, orderId }) => `${handler} ${eventType} ${orderId}`))
}

function keyOfLetter({ handler, eventType, partitionKey }: Found['deadLetters'][number]): Key {
  return { handler, eventType: eventType ?? '', orderId: partitionKey ?? '' }
}

function countMissing(keys: ReadonlySet<string>, from: ReadonlySet<string>): number {
  return [...keys].filter((key) => !from.has(key)).length
}

function nothing(what: string, count: number, where: string): Line {
  return { what, expected: 0, found: [{ count, where }] }
}

/** The stock module handles both events of an order with one handler, so it must get them in order. */
function outOfOrder({ runs }: Found): number {
  const placeOf = (eventType: string) =>
    new Map(
      runs
        .filter((run) => run.handler === 'stock.keep-stock' && run.eventType === eventType)
        .map((run) => [run.orderId, run.first]),
    )
  const created = placeOf('orders.order-created')
  return [...placeOf('orders.order-shipped')].filter(([orderId, place]) => place < (created.get(orderId) ?? Infinity))
    .length
}
