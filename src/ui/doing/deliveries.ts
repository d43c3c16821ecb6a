/** Reports the outcome of a delivery that waits for one. */
import type { CompletionReport } from '../../deliveries/completions.ts'
import { asked } from '../asked.ts'
import type { Doing } from './doing.ts'

export const completeDelivery: Doing = {
  title: 'It is done',
  button: 'It is done',
  preview: async (_, values) => ({
    says: `This says that delivery ${idOf(values)} has ended well.`,
    warns: 'Its key goes on. The handler is not called again.',
    count: 1,
  }),
  run: async ({ bus }, values, { act }) => outcome(await bus.deliveries.complete(idOf(values), byOf(act))),
}

export const skipDelivery: Doing = {
  title: 'Nothing to do',
  button: 'Skip it',
  preview: async (_, values) => ({
    says: `This says that there is nothing to do any more for delivery ${idOf(values)}.`,
    warns: 'It is recorded as skipped, and its key goes on.',
    count: 1,
  }),
  run: async ({ bus }, values, { act }) => outcome(await bus.deliveries.skip(idOf(values), act)),
}

export const failDelivery: Doing = {
  title: 'It has failed',
  button: 'It has failed',
  preview: async (_, values) => ({
    says: `This says that the attempt of delivery ${idOf(values)} has failed.`,
    warns: 'It is tried again after the backoff of its handler, or becomes a dead letter if that was the last attempt.',
    count: 1,
  }),
  async run({ bus }, values, { act }) {
    const { reason = 'said to have failed on the operator page' } = act
    return outcome(await bus.deliveries.fail(idOf(values), reason, byOf(act)))
  },
}

function byOf({ by }: { readonly by?: string }) {
  return by === undefined ? {} : { by }
}

function outcome({ isApplied, state }: CompletionReport): string {
  return isApplied ? `It counts: the delivery is ${state}.` : `It came too late: the delivery is ${state}.`
}

function idOf(values: URLSearchParams): string {
  return asked(values, 'id') ?? ''
}
