/**
 * A route whose handler runs in a transaction.
 *
 *   begin ──► handler ──► commit ──► reply
 *                │ throws, sends an error, or a status of 400 or above
 *                └──► rolled back ──► reply
 *
 * So a client can rely on a reply that reports success. Work after the handler, such as serialising its payload or sending a stream, comes
 * after the commit.
 */
import { types } from 'node:util'
import type { FastifyReply, RouteHandlerMethod } from 'fastify'
import { isError } from '../realm.ts'
import { holdBack } from './held-reply.ts'
import type { RequestTransactions } from './request-transactions.ts'

export function inTransaction(handler: RouteHandlerMethod, transactions: RequestTransactions): RouteHandlerMethod {
  return async function transactional(request, reply) {
    const answer = await transactions
      .run(request, async () => {
        const answered = await answerOf(() => handler.call(this, request, reply), reply)
        if (isRefusal(answered, reply)) throw new RolledBack(answered)
        return answered
      })
      .catch((error: unknown) => {
        if (error instanceof RolledBack) return error.answer
        throw error
      })
    return 'sent' in answer ? reply.send(answer.sent) : answer.returned
  }
}

type Answer = { readonly sent: unknown } | { readonly returned: unknown }

/** A handler that returns neither a promise nor a value sends its reply later. */
async function answerOf(call: () => unknown, reply: FastifyReply): Promise<Answer> {
  const holding = holdBack(reply)
  try {
    const called = call()
    if (called === undefined) await holding.sent
    const returned = types.isPromise(called) ? await called : called
    if (returned === reply && !reply.sent) await holding.sent
    const held = holding.held()
    return held ? { sent: held.payload } : { returned }
  } finally {
    holding.release()
  }
}

function isRefusal(answer: Answer, reply: FastifyReply): boolean {
  return reply.statusCode >= 400 || isError('sent' in answer ? answer.sent : answer.returned)
}

/** Makes the database client roll back when the handler threw nothing. */
class RolledBack extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super('The reply is an error: nothing of this request is to be committed.')
    this.answer = answer
  }
}
