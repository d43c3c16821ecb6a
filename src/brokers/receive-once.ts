/** One attempt to receive one message: writes its event and the effects in one commit. */
import { inOwnTransaction } from '../backends/own-transaction.ts'
import type { Bus } from '../bus.ts'
import { PostbusError, type PostbusErrorCode } from '../errors.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import type { Received } from '../publishing/receiver.ts'
import type { Source } from '../publishing/source.ts'
import type { RegisteredTransaction } from '../transactions/register.ts'

/** Writes further rows for a message, in the transaction of its event. */
export type Effects<Message> = (
  message: Message,
  received: Received,
  context: { readonly tx: RegisteredTransaction },
) => PromiseLike<unknown>

/** What the functions of a source have read from a message, or the error that they threw. */
export type Reading<Message> =
  { readonly is: 'read'; readonly source: Source<Message> } | { readonly is: 'unreadable'; readonly error: unknown }

/** Calls the functions of a source once per message, even if the message is tried several times. */
export function read<Message>(source: Source<Message>, message: Message): Reading<Message> {
  try {
    const id = source.id(message)
    const made = source.event(message)
    return { is: 'read', source: { name: source.name, id: () => id, event: () => made } }
  } catch (error) {
    return { is: 'unreadable', error }
  }
}

/** Errors that another attempt cannot fix: the event cannot be published as it is. */
const REFUSALS: ReadonlySet<PostbusErrorCode> = new Set([
  'POSTBUS_INVALID_EVENT',
  'POSTBUS_INVALID_SOURCE',
  'POSTBUS_TOO_LARGE',
  'POSTBUS_UNSERIALIZABLE',
])

export function isRefusal(error: unknown): boolean {
  return error instanceof PostbusError && REFUSALS.has(error.code)
}

export interface ReceiveOnce<Message> {
  readonly bus: Bus
  readonly parts: Pick<BusParts, 'transaction'>
  readonly source: Source<Message>
  readonly effects: Effects<Message> | undefined
}

/** Resolves after the commit. */
export async function receiveOnce<Message>(
  { bus, parts, source, effects }: ReceiveOnce<Message>,
  message: Message,
): Promise<Received> {
  if (!effects) return bus.receive(source, message, { tx: 'own' })
  return inOwnTransaction(parts.transaction, [source], async (tx) => {
    const received = await bus.receive(source, message, { tx })
    if (received.is === 'new') await effects(message, received, { tx })
    return received
  })
}
