/** The options of the Fastify plugin. */
import type { FastifyRequest } from 'fastify'
import type { Bus } from '../bus.ts'
import type { BusOptions, WorkerOptions } from '../options.ts'
import type { PublishContext } from '../publishing/trace.ts'
import type { RunTransaction } from '../transactions/register.ts'

export interface PostbusFastifyOptions {
  /** A bus, or the options of a bus that the plugin makes. */
  readonly bus: Bus | BusOptions
  /** Whether a worker runs in this process while the application does. `true`, or its options. Default: `false`. */
  readonly worker?: boolean | WorkerOptions | undefined
  /** Runs work in a transaction of your own client: `(work) => db.transaction().execute(work)`. Default: the `transaction` of the bus. */
  readonly transaction?: RunTransaction | undefined
  /**
   * Returns what is known of a request. This is added to the events that are published while the request is served: see `bus.withContext`.
   *
   * @example context: ({ id }) => ({ correlationId: id, source: 'api' }) // with Fastify({ genReqId: () => randomUUID() })
   */
  readonly context?: ((request: FastifyRequest) => PublishContext) | undefined
  /** Whether the bus is closed with the application. Default: `true` if the plugin has made it. */
  readonly closeBus?: boolean | undefined
}
