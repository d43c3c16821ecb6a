/** An entry of a question about publishing: a publisher with a number of receivers, connections, and a table of orders. */
import type { Client } from 'pg'
import type { Entry, Figures } from '../question.ts'
import { slicesOf, type Slices } from '../slices.ts'
import { connected, createOrders, type OpenPublisher, type Publisher } from './publisher.ts'

export interface Publishing {
  readonly open: OpenPublisher
  readonly clients: readonly Client[]
  readonly connectionString: string
}

export function publishingEntry(
  publisher: Publisher,
  { receivers, connections }: { readonly receivers: number; readonly connections: number },
  measure: (publishing: Publishing) => Promise<Figures> | Slices<Figures>,
): Entry {
  return {
    contestant: publisher.name,
    configuration: publisher.configuration,
    state: publisher.name,
    async prepare({ connectionString }) {
      await createOrders(connectionString)
      await publisher.install(connectionString, receivers)
    },
    async *measure({ connectionString }) {
      const clients = await Promise.all(Array.from({ length: connections }, () => connected(connectionString)))
      const open = await publisher.open(connectionString, receivers)
      try {
        return yield* slicesOf(measure({ open, clients, connectionString }))
      } finally {
        await open.close()
        await Promise.all(clients.map((client) => client.end()))
      }
    },
  }
}
