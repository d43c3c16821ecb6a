/** A process that consumes messages with a second bus. A test can kill it at any time, or between a commit and its acknowledgement. */
import { consumeJetStream } from '../../../src/nats/index.ts'
import { consumeRabbit } from '../../../src/rabbitmq/index.ts'
import { note, notes, secondBus } from './second-bus.ts'

export interface ConsumingSettings {
  readonly connectionString: string
  readonly nats?: { readonly servers: string; readonly stream: string; readonly consumer: string }
  readonly rabbit?: { readonly url: string; readonly queue: string }
  /** The process dies after this many commits, before it acknowledges the last message. */
  readonly diesAfter?: number
}

const settings = JSON.parse(process.argv[2] ?? '') as ConsumingSettings
let commits = 0
const { bus, close } = secondBus(settings.connectionString, () => {
  commits += 1
  if (commits === settings.diesAfter) process.kill(process.pid, 'SIGKILL')
})
const shared = {
  bus,
  source: notes,
  effects: (message: Parameters<typeof note>[0], _: unknown, { tx }: { tx: unknown }) => note(message, tx),
  maxAttempts: null,
}
const consumer = settings.nats
  ? await consumeJetStream({ ...shared, ...settings.nats })
  : await consumeRabbit({ ...shared, url: '', queue: '', ...settings.rabbit })
console.log('consuming')

process.once('SIGTERM', () => void consumer.stop().then(close))
