/** The options of `PostbusModule`. */
import type { FactoryProvider, ModuleMetadata } from '@nestjs/common'
import type { BusOptions, WorkerOptions } from '../options.ts'
import type { PublishContext } from '../publishing/trace.ts'

/** The options of `createBus`. Its `handlers` are added to the handlers that providers have. */
export interface PostbusModuleOptions extends BusOptions {
  /** Whether a worker runs in this process, from the start of the application to its end. `true`, or its options. Default: `false`. */
  readonly worker?: boolean | WorkerOptions | undefined
  /**
   * Returns what is known of a request. This is added to the events that are published while the request is served: see `bus.withContext`.
   *
   * @example context: (request) => ({ correlationId: String(request.headers['x-request-id'] ?? randomUUID()), source: 'api' })
   */
  readonly context?: ((request: IncomingRequest) => PublishContext) | undefined
}

/** The fields that a request has on every platform. */
export interface IncomingRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface PostbusAsyncOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider<PostbusModuleOptions>, 'inject' | 'useFactory'> {}
