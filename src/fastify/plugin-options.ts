/** The options of the Fastify plugin. */
import type { FastifyRequest } from 'fastify'
import type { Bus } from '../bus.ts'
import type { BusOptions, WorkerOptions } from '../options.ts'
import type { PublishContext } from '../publishing/trace.ts'
import type { RunTransaction } from '../transactions/register.ts'

export interface PostbusFastifyOptions {
  /** The bus, or the options of one that the plugin is to make. */
  readonly bus: Bus | BusOptions
  /** Whether a worker runs in this process while the application does. `true`, or its options. Default: `false`. */
  readonly worker?: boolean | WorkerOptions | undefined
  /** Runs work in a transaction of your own client: `(work) => db.transaction().execute(work)`. Default: the `transaction` of the bus. */
  readonly transaction?: RunTransaction | undefined
  /**
   * What is known of a request, for the events that are published while it is served: see `bus.withContext`.
   *
   * @example context: ({ id }) => ({ correlationId: id, source: 'api' }) // with Fastify({ genReqId: () => randomUUID() })
   */
  readonly context?: ((request: FastifyRequest) => PublishContext) | undefined
  /** Whether the bus is closed with the application. Default: if the plugin has made it. */
  readonly closeBus?: boolean | undefined
}
