/** The Nest module: makes the bus, finds the handlers, and starts and stops with the application. */
import { Global, Inject, RequestMethod, type DynamicModule, type MiddlewareConsumer } from '@nestjs/common'
import { DiscoveryModule, DiscoveryService } from '@nestjs/core'
import { createBus, type Bus } from '../bus.ts'
import { createRegistry, type HandlerSet } from '../handlers/registry.ts'
import type { Worker } from '../worker/worker.ts'
import { POSTBUS } from './inject-bus.ts'
import type { IncomingRequest, PostbusAsyncOptions, PostbusModuleOptions } from './module-options.ts'
import { providedHandlers } from './provided-handlers.ts'

const OPTIONS = Symbol('postbus.options')
const HANDLERS = Symbol('postbus.handlers')

type FindHandlers = () => Promise<HandlerSet>

/**
 * Gives an application one bus, which all its providers can inject: `@InjectBus()`. Handlers are methods of providers with `@EventHandler`. With
 * `worker` they run in this process; without it they run in another process, which imports the same modules.
 *
 * The bus is checked when the application starts. It opens no connection before it is used. With `app.enableShutdownHooks()`, a worker finishes
 * its running handlers on SIGTERM.
 *
 * @example
 * @Module({
 *   imports: [
 *     PostbusModule.forRootAsync({
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({ connectionString: config.getOrThrow('DATABASE_URL'), worker: true }),
 *     }),
 *   ],
 *   providers: [Stock],
 * })
 * class AppModule {}
 */
export class PostbusModule {
  readonly #bus: Bus
  readonly #options: PostbusModuleOptions
  readonly #findHandlers: FindHandlers
  #worker: Worker | null = null

  constructor(bus: Bus, options: PostbusModuleOptions, findHandlers: FindHandlers) {
    this.#bus = bus
    this.#options = options
    this.#findHandlers = findHandlers
  }

  static forRoot(options: PostbusModuleOptions = {}): DynamicModule {
    return PostbusModule.forRootAsync({ useFactory: () => options })
  }

  static forRootAsync({ imports = [], inject = [], useFactory }: PostbusAsyncOptions): DynamicModule {
    return {
      module: PostbusModule,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: OPTIONS, inject, useFactory },
        { provide: HANDLERS, inject: [OPTIONS, DiscoveryService], useFactory: handlersIn },
        { provide: POSTBUS, inject: [OPTIONS, HANDLERS], useFactory: busOf },
      ],
      exports: [POSTBUS],
    }
  }

  /** Called by Nest. */
  configure(consumer: MiddlewareConsumer): void {
    const { context } = this.#options
    if (!context) return
    const within = (request: IncomingRequest, _response: unknown, next: () => void) =>
      this.#bus.withContext(context(request), next)
    consumer.apply(within).forRoutes({ path: '{*path}', method: RequestMethod.ALL })
  }

  /** Called by Nest. A handler that cannot be used keeps the application from starting. */
  async onModuleInit(): Promise<void> {
    createRegistry(await this.#findHandlers())
  }

  /** Called by Nest, after all modules are initialised. */
  async onApplicationBootstrap(): Promise<void> {
    const { worker } = this.#options
    if (worker === undefined || worker === false) return
    this.#worker = this.#bus.worker(worker === true ? {} : worker)
    await this.#worker.start()
  }

  /** Called by Nest before it closes its connections, and after `onModuleDestroy` of all providers. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#worker?.stop()
  }

  /** Called by Nest. */
  async onApplicationShutdown(): Promise<void> {
    await this.#bus.close()
  }
}

// Does what decorators would do: these sources are not compiled for decorators.
Global()(PostbusModule)
for (const [place, token] of [POSTBUS, OPTIONS, HANDLERS].entries()) Inject(token)(PostbusModule, undefined, place)

function busOf({ worker: _worker, context: _context, ...options }: PostbusModuleOptions, handlers: FindHandlers): Bus {
  return createBus({ ...options, handlers })
}

/** Called once all providers exist: at application start, or at the first publish. */
function handlersIn({ handlers = [] }: PostbusModuleOptions, discovery: DiscoveryService): FindHandlers {
  return async () => {
    const given = typeof handlers === 'function' ? await handlers() : handlers
    return { default: given, provided: providedHandlers(discovery) } // in the form of an imported module
  }
}
