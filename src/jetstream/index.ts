/** NATS JetStream as the engine of handlers that read the log, `postbus/jetstream`. */
export { jetStream, type JetStreamOptions } from './jet-stream.ts'
export type { LogEngine } from '../deliveries/log-engine.ts'
export type { NatsPlace } from '../nats/nats-place.ts'
