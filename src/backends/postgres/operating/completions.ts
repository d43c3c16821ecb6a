/** `bus.deliveries`: tells a delivery that waits for its result how it ended. See `functions/complete.ts`. */
import { completionOptions, type CompletionReport, type Deliveries } from '../../../deliveries/completions.ts'
import type { DeliveryState } from '../../../deliveries/delivery-state.ts'
import { PostbusError } from '../../../errors.ts'
import { isEventId } from '../../../events/event-id.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { PublishTransaction } from '../../../transactions/transaction.ts'
import { functionName } from '../functions/sql.ts'
import { calledIn, withoutTransaction } from './in-transaction.ts'
import type { OperatorParts } from './operating.ts'

type Parts = Pick<OperatorParts, 'connection' | 'tables'>

export function deliveriesIn(parts: Parts): Deliveries {
  async function tell(told: Told): Promise<CompletionReport> {
    const { id, what, how, given, more } = told
    const { tx, rest } = withoutTransaction(`deliveries.${what}()`, given)
    const { by, reason } = parseOptions(`deliveries.${what}()`, completionOptions, { ...rest, ...more })
    if (typeof id !== 'string' || !isEventId(id)) throw unknown(what, id)

    const because = reason ?? (how === 'skipped' ? `skipped by ${by ?? 'hand'}` : null)
    const text = `select ${functionName(parts.tables, 'complete')}($1, $2, $3, $4) as completed`
    const done = await calledIn(tx, parts, { text, values: [id, how, because, by ?? null] })
    const [word, state] = done.split(' ')
    if (word === 'unknown') throw unknown(what, id)
    return { isApplied: word === 'told', state: state as DeliveryState } // the function knows no other words
  }

  return Object.freeze({
    complete: async (id, given) => tell({ id, what: 'complete', how: 'done', given }),
    skip: async (id, given) => tell({ id, what: 'skip', how: 'skipped', given }),
    fail: async (id, reason, given) => tell({ id, what: 'fail', how: 'failed', given, more: { reason } }),
  } satisfies Deliveries)
}

interface Told {
  readonly id: string
  readonly what: keyof Deliveries
  readonly how: 'done' | 'skipped' | 'failed'
  readonly given: { readonly tx?: PublishTransaction } | undefined
  readonly more?: { readonly reason: string }
}

function unknown(what: string, id: string): PostbusError {
  const mend = 'Pass `context.deliveryId` of the handler that waits; its event is not stored, or not any more.'
  return new PostbusError('POSTBUS_NO_SUCH_DELIVERY', `deliveries.${what}(): there is no delivery "${id}". ${mend}`)
}
