/** Notices that a drain will never end: a delivery is put off again and again, or events keep causing new ones. */
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import { PostbusError } from '../../errors.ts'
import type { Outcome } from '../../handlers/outcome.ts'

/** A delivery that was put off this often in one drain counts as endless. */
const MAX_SNOOZES = 100

export interface Endlessness {
  /** @throws {PostbusError} `POSTBUS_DRAIN_ENDLESS`. */
  check(delivery: ClaimedDelivery, outcome: Outcome): void
}

/** `maxAttempts` is the limit for all deliveries together. */
export function endlessness(maxAttempts: number): Endlessness {
  const snoozes = new Map<string, number>()
  const attempts = new Map<string, number>()
  let total = 0

  return {
    check(delivery, outcome) {
      total += 1
      attempts.set(delivery.handler, (attempts.get(delivery.handler) ?? 0) + 1)
      if (total > maxAttempts) throw tooMany(maxAttempts, attempts)

      if (outcome.is !== 'snoozed' && outcome.is !== 'put-back') return
      const count = (snoozes.get(delivery.id) ?? 0) + 1
      snoozes.set(delivery.id, count)
      if (count >= MAX_SNOOZES) throw neverDone(delivery, outcome)
    },
  }
}

function neverDone(delivery: ClaimedDelivery, outcome: Outcome): PostbusError {
  const what = `${delivery.event?.type ?? 'an event'} ${delivery.event?.id ?? ''}`
  const why = outcome.is === 'put-back' ? `was put back: ${outcome.reason.message}` : 'was snoozed'
  return new PostbusError(
    'POSTBUS_DRAIN_ENDLESS',
    `Handler "${delivery.handler}", ${what}: its delivery ${why.replace(/\.$/, '')}, ${MAX_SNOOZES} times in one drain, so it would never end. ` +
      'Let the handler come to an end, or drain up to a time: drainEvents({ until: { hours: 1 } }).',
  )
}

function tooMany(maxAttempts: number, attempts: ReadonlyMap<string, number>): PostbusError {
  const [most] = [...attempts].toSorted(([, one], [, other]) => other - one)
  return new PostbusError(
    'POSTBUS_DRAIN_ENDLESS',
    `The drain was stopped after ${maxAttempts.toLocaleString('en')} attempts, most of them of handler "${most?.[0]}" (${most?.[1].toLocaleString('en')}). ` +
      'Does it publish what it handles itself? If there is that much to do, raise the limit: drainEvents({ maxAttempts: … }).',
  )
}
