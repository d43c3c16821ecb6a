/** Erases the messages of events that an operator has erased in Postgres. */
import type { JetStreamManager } from '@nats-io/jetstream'
import { performance } from '../clock.ts'
import type { RelayStore } from '../deliveries/log-engine.ts'
import { firstAfter } from './stream-search.ts'

/** The relay sends no events during an erasure. So an erasure stops after this time, and the next one continues. */
const LIMIT_MS = 200

/** Returns how many messages were erased. The server overwrites them. Readers notice the gap, and read that part from Postgres. */
export async function eraseMessages(
  manager: JetStreamManager,
  stream: string,
  relays: Pick<RelayStore, 'erased' | 'forget'>,
): Promise<number> {
  const began = performance.now()
  const done: number[] = []
  let count = 0
  for (const number of await relays.erased(stream)) {
    const message = await firstAfter(manager, stream, number - 1)
    if (message?.event.number === number && (await manager.streams.deleteMessage(stream, message.sequence, true)))
      count += 1
    done.push(number)
    if (performance.now() - began >= LIMIT_MS) break
  }
  if (done.length > 0) await relays.forget(stream, done)
  return count
}
