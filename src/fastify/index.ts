/** Fastify, `postbus/fastify`: a plugin with the bus, a transaction for a request, and a worker that lives with the application. */
import type { Bus } from '../bus.ts'
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { RegisteredTransaction } from '../transactions/register.ts'

export { postbusFastify } from './plugin.ts'
export type { PostbusFastifyOptions } from './plugin-options.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly bus: Bus
  }

  interface FastifyContextConfig {
    /** Its handler runs in a transaction: it commits before the reply is sent, and rolls back when that is an error or its status 400 or above. */
    readonly transaction?: boolean | undefined
  }

  interface FastifyRequest {
    /** The transaction that this request has open. @throws {PostbusError} `POSTBUS_TRANSACTION_REQUIRED`, `POSTBUS_TRANSACTION_FINISHED`. */
    readonly tx: RegisteredTransaction
    /** Like `bus.publish`, in the transaction that this request has open, if it has one. */
    publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
    /**
     * Runs `work` in a transaction, in which `request.publish` publishes. Returns what it returns, when that has committed.
     *
     * @example const id = await request.inTransaction(async (tx) => orders.create(request.body, tx))
     * @throws what `work` and the commit throw; {PostbusError} `POSTBUS_TRANSACTION_REQUIRED` when the plugin knows no `transaction`.
     */
    inTransaction<Result>(work: (tx: RegisteredTransaction) => Promise<Result>): Promise<Result>
  }
}
