/** A broadcast as it travels: an event as it would be stored, as JSON. Anyone who may connect to the database can send one, so what comes is checked. */
import { z } from 'zod'
import { storedForm } from '../../decoded-copy.ts'
import type { StoredEvent } from '../../../deliveries/delivery.ts'
import { storedTypeOf } from '../../../events/stored-as.ts'
import type { PlannedEvent } from '../../../publishing/backend.ts'

const text = z.string().min(1)
const storableTime = z.iso.datetime().transform((written) => new Date(written))

/** Unknown fields are left out: a newer release may send more. */
const message = z.object({
  id: z.uuid(),
  type: text,
  version: z.int().min(1),
  partitionKey: text.nullable(),
  payload: text,
  correlationId: text.nullable(),
  causationId: text.nullable(),
  source: text.nullable(),
  metadata: text.nullable(),
  occurredAt: storableTime,
  expiresAt: storableTime.nullable(),
  rest: text.nullable(),
})

/** The message has the stored name of the event type, which all releases know. */
export function messageOf(planned: PlannedEvent): string {
  const { seq: _, storedType: __, ...event } = storedForm(planned)
  return JSON.stringify({ ...event, type: storedTypeOf(planned.envelope) })
}

/** Returns null if the text is not a valid message. */
export function eventIn(written: string): StoredEvent | null {
  try {
    const { data } = message.safeParse(JSON.parse(written))
    return data ? { ...data, seq: '0' } : null
  } catch {
    return null
  }
}
