/** A process that relays the notes of the first bus to a broker. It ends when its worker has stopped and its bus is closed. */
import { createBus } from '../../../src/index.ts'
import { jetStreamTarget } from '../../../src/nats/index.ts'
import { rabbitTarget } from '../../../src/rabbitmq/index.ts'
import { defineRelay } from '../../../src/relay/index.ts'
import { NoteTaken } from '../../support/notes.ts'

export interface RelayingSettings {
  readonly connectionString: string
  readonly nats?: { readonly servers: string; readonly subject: string }
  readonly rabbit?: { readonly url: string; readonly exchange: string }
}

const { connectionString, nats, rabbit } = JSON.parse(process.argv[2] ?? '') as RelayingSettings
const to = nats ? jetStreamTarget(nats) : rabbitTarget({ url: '', exchange: '', ...rabbit })
const relay = defineRelay('notes.relay', {
  on: NoteTaken,
  to,
  backoff: { initialMs: 200, factor: 1 },
  maxAttempts: 1_000,
})

const bus = createBus({ connectionString, handlers: [relay], onSignal: () => undefined })
const worker = bus.worker()
await worker.start()
console.log('relaying')
process.once('SIGTERM', () => void worker.stop().then(() => bus.close()))
