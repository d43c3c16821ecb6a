/** Gives the buses of a test file JetStream as their engine, each with a stream of its own. */
import { afterAll, beforeAll } from 'vitest'
import { jetStream } from '../../src/jetstream/index.ts'
import { openNatsServer, type NatsServer } from '../support/nats-server.ts'
import { useTestEngine } from '../support/test-engine.ts'

let nats: NatsServer | null = null
let streams = 0

beforeAll(async () => {
  const server = await openNatsServer()
  nats = server
  useTestEngine(() => jetStream({ servers: server.servers, stream: `suite${(streams += 1)}`, partitions: 16 }))
})

afterAll(() => nats?.remove())
