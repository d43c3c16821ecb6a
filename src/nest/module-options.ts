/** The options of `PostbusModule`. */
import type { FactoryProvider, ModuleMetadata } from '@nestjs/common'
import type { BusOptions, WorkerOptions } from '../options.ts'
import type { PublishContext } from '../publishing/trace.ts'

/** The options of `createBus`. `handlers` are there besides those that providers have. */
export interface PostbusModuleOptions extends BusOptions {
  /** Whether a worker runs in this process, from the start of the application to its end. `true`, or its options. Default: `false`. */
  readonly worker?: boolean | WorkerOptions | undefined
  /**
   * What is known of a request, for the events that are published while it is served: see `bus.withContext`.
   *
   * @example context: (request) => ({ correlationId: String(request.headers['x-request-id'] ?? randomUUID()), source: 'api' })
   */
  readonly context?: ((request: IncomingRequest) => PublishContext) | undefined
}

/** What every platform's request has. */
export interface IncomingRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface PostbusAsyncOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider<PostbusModuleOptions>, 'inject' | 'useFactory'> {}
