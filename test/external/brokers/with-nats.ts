/** A nats-server for all tests of a file, and a connection of the tests to it. */
import { afterAll, beforeAll } from 'vitest'
import { openNatsServer, type NatsClient, type NatsServer } from '../../support/nats-server.ts'

let opened: NatsServer | null = null
let client: NatsClient | null = null

/** Registers the hooks of a test file. */
export function withNats(): void {
  beforeAll(async () => {
    opened = await openNatsServer()
    client = await opened.connect()
  })

  afterAll(async () => {
    await client?.connection.close()
    await opened?.remove()
  })
}

/** Works from the first hook on that is registered after `withNats`. */
export function server(): NatsServer {
  return there(opened)
}

export function nats(): NatsClient {
  return there(client)
}

function there<Value>(value: Value | null): Value {
  if (value === null) throw new Error('Call withNats() in this file.')
  return value
}
