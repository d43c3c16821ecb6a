/** Relays, `postbus/relay`: handlers that pass events to other systems, and the targets that they send to. */
export { defineRelay, type Relay, type RelayDefinition } from './relay.ts'
export type { RelayAnswer, RelayContext, RelayTarget } from './target.ts'
export type { RelayFormat, RelayMessage } from './message.ts'
export type { MessageOptions } from './formats.ts'
export type { CloudEventOptions } from './cloud-event.ts'
export { headersOf, type HeaderOptions } from './headers-of.ts'
export { readEnvelope } from './envelope-message.ts'
