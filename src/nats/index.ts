/** NATS JetStream, `postbus/nats`: a consumer that turns messages into events, and the target of a relay that sends events as messages. */
export { consumeJetStream, type JetStreamConsumerOptions } from './consume-jet-stream.ts'
export { jetStreamTarget, type JetStreamTargetOptions } from './jet-stream-target.ts'
export type { Address } from '../brokers/address.ts'
export type { JetStreamMessage } from './jet-stream-message.ts'
export type { NatsPlace } from './nats-place.ts'
export { readCloudEvent, type CloudEvent, type CloudEventMessage } from '../brokers/read-cloud-event.ts'
export type { BrokerConsumer, ConsumerOptions } from '../brokers/consumer-options.ts'
export type { Effects } from '../brokers/receive-once.ts'
