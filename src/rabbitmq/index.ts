/** RabbitMQ, `postbus/rabbitmq`: a consumer that turns messages into events, and the target of a relay that sends events as messages. */
export { consumeRabbit, type RabbitConsumerOptions } from './consume-rabbit.ts'
export { rabbitTarget, type RabbitTargetOptions } from './rabbit-target.ts'
export type { Address } from '../brokers/address.ts'
export type { RabbitMessage } from './rabbit-message.ts'
export type { RabbitPlace } from './rabbit-place.ts'
export { readCloudEvent, type CloudEvent, type CloudEventMessage } from '../brokers/read-cloud-event.ts'
export type { BrokerConsumer, ConsumerOptions } from '../brokers/consumer-options.ts'
export type { Effects } from '../brokers/receive-once.ts'
