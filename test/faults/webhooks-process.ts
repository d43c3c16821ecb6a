/** A worker process with a relay that sends webhooks. `webhooks-under-kills.ts` starts it, and later kills it. */
import { createBus } from '../../src/index.ts'
import { relayTo } from './webhooks-relay.ts'

const [connectionString = '', url = ''] = process.argv.slice(2)

const bus = createBus({ connectionString, handlers: [relayTo(url)], onSignal: () => undefined })
await bus.worker({ queues: { events: 10, events_partitioned: 10 }, pollMs: 100 }).start()
process.stdout.write('working\n')
process.stdin.on('end', () => process.exit()).resume() // it never outlives the test
