/** A handler like the one of the tenants' worker, for a bus that only publishes. */
import { handlerThat } from '../../support/notes.ts'

export const take = handlerThat(() => undefined, { maxAttempts: 1 })
