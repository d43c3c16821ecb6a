/** pg-boss: `publish` to subscribed queues as it is documented, and `insert` into each queue, its fast way. */
import type { PgBoss } from 'pg-boss'
import type { ClientBase } from 'pg'
import { openBoss } from '../contestants/pg-boss.ts'
import { receivers, type Order } from '../order.ts'
import type { OpenPublisher, Publisher } from './publisher.ts'

const EVENT = 'order-placed'

type Publish = (boss: PgBoss, queues: readonly string[]) => OpenPublisher['publish']

export const pgBossPublish: Publisher = {
  ...pgBossPublisher((boss) => (client, order) => boss.publish(EVENT, order, { db: within(client) })),
  name: 'pg-boss publish',
  configuration: 'boss.publish(event, data, { db }) to a subscribed queue per receiver',
}

export const pgBossInsert: Publisher = {
  ...pgBossPublisher(insertInto),
  name: 'pg-boss insert',
  configuration: 'boss.insert(queue, jobs, { db }) for each receiver; lists: boss.insert(queue, 1,000 jobs)',
}

function insertInto(boss: PgBoss, queues: readonly string[]): OpenPublisher['publish'] {
  return async (client, data) => {
    for (const queue of queues) await boss.insert(queue, [{ data }], { db: within(client) })
  }
}

function pgBossPublisher(publishBy: Publish): Pick<Publisher, 'install' | 'open'> {
  return {
    async install(connectionString, count) {
      const boss = await openBoss(connectionString)
      for (const queue of receivers(count)) {
        await boss.createQueue(queue)
        await boss.subscribe(EVENT, queue)
      }
      await boss.stop({ graceful: false })
    },
    async open(connectionString, count) {
      const boss = await openBoss(connectionString)
      const queues = receivers(count)
      const publishList = async (orders: readonly Order[]) => {
        for (const queue of queues) await boss.insert(queue, orders.map((data) => ({ data }))) // prettier-ignore
      }
      return { publish: publishBy(boss, queues), publishList, close: () => boss.stop({ graceful: false }) }
    },
  }
}

function within(client: ClientBase) {
  return { executeSql: (text: string, values?: unknown[]) => client.query(text, values) }
}
