/** A handler as the tenants' worker has it, for a bus that only publishes. */
import { handlerThat } from '../../support/notes.ts'

export const take = handlerThat(() => undefined, { maxAttempts: 1 })
