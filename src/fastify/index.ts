/** Fastify, `postbus/fastify`: a plugin with the bus, a transaction for a request, and a worker that runs with the application. */
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
    /** The route's handler runs in a transaction. It commits before the reply is sent, and rolls back for an error or a status of 400 or above. */
    readonly transaction?: boolean | undefined
  }

  interface FastifyRequest {
    /** The open transaction of this request. @throws {PostbusError} `POSTBUS_TRANSACTION_REQUIRED`, `POSTBUS_TRANSACTION_FINISHED`. */
    readonly tx: RegisteredTransaction
    /** Like `bus.publish`, in the open transaction of this request if it has one. */
    publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
    /**
     * Runs `work` in a transaction, in which `request.publish` publishes. Returns the result of `work` after the commit.
     *
     * @example const id = await request.inTransaction(async (tx) => orders.create(request.body, tx))
     * @throws what `work` and the commit throw; {PostbusError} `POSTBUS_TRANSACTION_REQUIRED` when neither plugin nor bus has a `transaction`.
     */
    inTransaction<Result>(work: (tx: RegisteredTransaction) => Promise<Result>): Promise<Result>
  }
}
