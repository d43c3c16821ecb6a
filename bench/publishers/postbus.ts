/** Postbus: `bus.publish`, with the caller's transaction or without. */
import { createBus, defineHandler, type Bus } from '../../src/index.ts'
import { OrderPlaced } from '../contestants/postbus.ts'
import { receivers } from '../order.ts'
import type { Publisher } from './publisher.ts'

export const postbus: Publisher = {
  name: 'postbus',
  configuration: 'bus.publish(event, { tx: client }), one handler per receiver; lists: bus.publish(events), pool of 5',
  async install(connectionString, count) {
    const bus = busFor(connectionString, count)
    await bus.migrate()
    await bus.close()
  },
  async open(connectionString, count) {
    const bus = busFor(connectionString, count)
    return {
      publish: (client, order) => bus.publish(OrderPlaced(order), { tx: client }),
      publishList: (orders) => bus.publish(orders.map((order) => OrderPlaced(order))),
      close: () => bus.close(),
    }
  },
}

function busFor(connectionString: string, count: number): Bus {
  const handlers = receivers(count).map((name) =>
    defineHandler(`bench.${name}`, { on: OrderPlaced, handle: () => undefined }),
  )
  return createBus({ connectionString, handlers, onSignal: () => undefined })
}
