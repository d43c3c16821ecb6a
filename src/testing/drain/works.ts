/** Splits claimed deliveries into what a drain inside a transaction runs one after the other: single deliveries and batches. */
import type { Attempts } from '../../attempt/attempts.ts'
import type { BatchMember } from '../../attempt/batch-member.ts'
import { concludedAttempt, type ConcludedAttempt } from '../../attempt/concluded-attempt.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import type { Emit } from '../../signals.ts'
import { isBatchOfOne } from '../../worker/batches/batch-of-one.ts'

interface Work {
  readonly handler: string
  run(emit: Emit): Promise<readonly ConcludedAttempt[]>
}

/** Keeps the order of the claim: a batch has the place of its first delivery. */
export function worksOf(claimed: readonly ClaimedDelivery[], attempts: Attempts): readonly Work[] {
  const works: Work[] = []
  const batches = new Map<string, BatchMember[]>()
  for (const delivery of claimed) {
    const handler = attempts.batchAttempts.handlerNamed(delivery.handler)
    const member = handler && attempts.batchAttempts.open(delivery, handler)
    if (!handler || !member) {
      works.push(alone(delivery, attempts))
      continue
    }
    const isAlone = isBatchOfOne(delivery, handler.options.maxAttempts)
    const gathered = isAlone ? undefined : batches.get(handler.name)
    if (gathered && gathered.length < (handler.batch?.batchSize ?? 1)) gathered.push(member)
    else {
      const members = [member]
      if (!isAlone) batches.set(handler.name, members)
      works.push(together(members, attempts))
    }
  }
  return works
}

function alone(delivery: ClaimedDelivery, { attempt }: Attempts): Work {
  return {
    handler: delivery.handler,
    run: async (emit) => [await concludedAttempt(attempt(delivery, new AbortController()), delivery, emit)],
  }
}

function together(members: readonly BatchMember[], { batchAttempts }: Attempts): Work {
  const { handler } = members[0]!.delivery
  return {
    handler,
    async run(emit) {
      const outcomeOf = await batchAttempts.run(batchAttempts.handlerNamed(handler)!, members, new AbortController())
      return Promise.all(members.map(({ delivery }) => concludedAttempt(outcomeOf(delivery), delivery, emit)))
    },
  }
}
