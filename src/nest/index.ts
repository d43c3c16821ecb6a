/** NestJS, `postbus/nest`: a module that has the bus, handlers as methods of providers, and a worker that runs with the application. */
export { EventHandler, EventBatchHandler } from './event-handler.ts'
export type { EventBatchHandlerOptions, EventHandlerOptions, HandlerDecorator } from './event-handler.ts'
export { InjectBus, POSTBUS } from './inject-bus.ts'
export { PostbusModule } from './postbus-module.ts'
export type { PostbusAsyncOptions, PostbusModuleOptions } from './module-options.ts'
