/** The interface of a contestant that publishes an event to several receivers, inside the transaction that changes the data. */
import { Client, type ClientBase } from 'pg'
import type { Order } from '../order.ts'

export interface Publisher {
  readonly name: string
  readonly configuration: string
  /** Creates its tables and queues, for `receivers` receivers. */
  install(connectionString: string, receivers: number): Promise<void>
  open(connectionString: string, receivers: number): Promise<OpenPublisher>
}

export interface OpenPublisher {
  /** Publishes one event to all receivers, as part of the client's open transaction. */
  publish(client: ClientBase, order: Order): Promise<unknown>
  /** Publishes many events to all receivers in the fastest way that it offers, in a transaction of its own. */
  publishList(orders: readonly Order[]): Promise<unknown>
  close(): Promise<void>
}

const INSERT_ORDER = { name: 'insert-order', text: 'insert into orders (id, total) values ($1, $2)' }

export async function createOrders(connectionString: string): Promise<void> {
  const client = await connected(connectionString)
  await client.query('create table if not exists orders (id text primary key, total integer not null)')
  await client.end()
}

/** The steps of a service that writes an order and publishes it in the same transaction: the name of each step, and its call. */
export function stepsOf(publisher: OpenPublisher, client: ClientBase, order: Order) {
  return [
    ['begin', () => client.query('begin')],
    ['the order', () => client.query(INSERT_ORDER, [order.orderId, order.total])],
    ['publish', () => publisher.publish(client, order)],
    ['commit', () => client.query('commit')],
  ] as const
}

/** Runs such a transaction. `beforeCommit` is called right before the commit. */
export async function placeOrder(
  publisher: OpenPublisher,
  client: ClientBase,
  order: Order,
  beforeCommit = () => {},
): Promise<void> {
  for (const [name, step] of stepsOf(publisher, client, order)) {
    if (name === 'commit') beforeCommit()
    await step()
  }
}

export async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined) // the next statement fails and says why
  await client.connect()
  return client
}
