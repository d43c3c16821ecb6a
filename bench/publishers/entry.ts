/** An entry of a question about publishing: a publisher with a number of receivers, and a table of orders. */
import type { Entry, Figures } from '../question.ts'
import { createOrders, type OpenPublisher, type Publisher } from './publisher.ts'

export function publishingEntry(
  publisher: Publisher,
  receivers: number,
  measure: (open: OpenPublisher, connectionString: string) => Promise<Figures>,
): Entry {
  return {
    contestant: publisher.name,
    configuration: publisher.configuration,
    state: publisher.name,
    async prepare({ connectionString }) {
      await createOrders(connectionString)
      await publisher.install(connectionString, receivers)
    },
    async measure({ connectionString }) {
      const open = await publisher.open(connectionString, receivers)
      try {
        return await measure(open, connectionString)
      } finally {
        await open.close()
      }
    },
  }
}
