/** Erases the messages of events that an operator has erased in Postgres. */
import type { JetStreamManager } from '@nats-io/jetstream'
import type { RelayStore } from '../deliveries/log-engine.ts'
import { firstAfter } from './stream-search.ts'

/** Returns how many messages were erased. The server overwrites them. Readers take the rest of that stretch from Postgres. */
export async function eraseMessages(
  manager: JetStreamManager,
  stream: string,
  relays: Pick<RelayStore, 'erased' | 'forget'>,
): Promise<number> {
  const numbers = await relays.erased(stream)
  let count = 0
  for (const number of numbers) {
    const message = await firstAfter(manager, stream, number - 1)
    if (message?.event.number === number && (await manager.streams.deleteMessage(stream, message.sequence, true)))
      count += 1
  }
  if (numbers.length > 0) await relays.forget(stream, numbers)
  return count
}
