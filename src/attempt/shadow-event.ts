/** The shadow of an event: everything except its data, and a function that fetches the data. */
import type { Codec } from '../codec/codec.ts'
import type { StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import { asRead, type Reading } from '../handlers/reading.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import { corrupt, openEnvelope, openHead } from './open-envelope.ts'

export interface FetchParts {
  readonly codec: Codec
  /** Reads the payload of a stored event; `null` when the event is gone. */
  payloadOf(event: StoredEvent): Promise<string | null>
}

/** Returns the shadow of a stored event, in the version that its handler reads, or the error if its metadata cannot be read. */
export function shadowOrError(stored: StoredEvent, reading: Reading, parts: FetchParts): ShadowEvent | PostbusError {
  try {
    const head = openHead(stored)
    const shown = reading.is === 'upcast' ? { ...head, version: reading.to.version } : head
    return shadowOf(shown, async () => asRead(reading, await fetchEvent(stored, parts)))
  } catch (cause) {
    if (cause instanceof PostbusError) return cause
    return corrupt(stored, 'cannot be read.', cause)
  }
}

/** The shadow of an event that is in memory as a whole. */
export function shadowOfWhole(event: Envelope): ShadowEvent {
  const { data: _, ...head } = event
  return shadowOf(head, async () => event)
}

/** The data is fetched once, however often `fetch` is called. After a failed fetch the next call tries again. */
function shadowOf(head: Omit<Envelope, 'data'>, fetchWhole: () => Promise<Envelope>): ShadowEvent {
  let fetched: Promise<Envelope> | null = null
  function fetch(): Promise<Envelope> {
    fetched ??= fetchWhole().catch((error: unknown) => {
      fetched = null
      throw error
    })
    return fetched
  }
  return Object.freeze({ ...head, fetch })
}

async function fetchEvent(stored: StoredEvent, { codec, payloadOf }: FetchParts): Promise<Envelope> {
  const payload = stored.payload ?? (await payloadOf(stored))
  if (payload === null) throw gone(stored)
  return openEnvelope({ ...stored, payload }, codec)
}

function gone({ type, id }: StoredEvent): PostbusError {
  const mend = 'Return skip(…) or discard(…) from the handler if there is nothing to do without it'
  return new PostbusError(
    'POSTBUS_EVENT_GONE',
    `${type} ${id} is no longer stored, so its data cannot be fetched. ${mend}.`,
  )
}
