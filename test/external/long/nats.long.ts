/** 10,000 events through JetStream, while the broker and the processes are killed again and again. */
import { AckPolicy } from '@nats-io/jetstream'
import { expect, onTestFinished, test } from 'vitest'
import { openNatsServer } from '../../support/nats-server.ts'
import { outOfOrder, runPipeline, type Numbered } from '../brokers/pipeline.ts'

const EVENTS = 10_000

test('no event is lost, each has its effects once, and keys keep their order from bus to bus', async () => {
  const server = await openNatsServer()
  onTestFinished(() => server.remove())
  const nats = await server.connect()
  onTestFinished(() => nats.connection.close())
  await nats.manager.streams.add({ name: 'NOTES', subjects: ['notes.>'] })
  // One message at a time over all processes: this keeps the order when a process dies.
  const strict = { ack_policy: AckPolicy.Explicit, max_ack_pending: 1, ack_wait: 2e9 }
  await nats.manager.consumers.add('NOTES', { durable_name: 'second', ...strict })
  const seed = Date.now() % 1_000_000

  const report = await runPipeline({
    events: EVENTS,
    keys: 50,
    seed,
    broker: server,
    relaying: { nats: { servers: server.servers, subject: 'notes.taken' } },
    consuming: { nats: { servers: server.servers, stream: 'NOTES', consumer: 'second' } },
  })

  const stored = await everything()
  const { delivered } = await nats.manager.consumers.info('NOTES', 'second')
  const duplicates = { inStream: stored.length - EVENTS, handedOutAgain: delivered.consumer_seq - stored.length }
  console.log(`nats, seed ${seed}: ${JSON.stringify({ ...report, duplicates })}`)
  expect(report).toMatchObject({ problems: [], effects: EVENTS, eventsOfSecondBus: EVENTS })
  expect(outOfOrder(stored)).toEqual([])
  expect(duplicates.inStream).toBe(0) // the server recognizes duplicates within its window of two minutes

  async function everything(): Promise<readonly Numbered[]> {
    const all: Numbered[] = []
    const consumer = await nats.client.consumers.get('NOTES')
    const { state } = await nats.manager.streams.info('NOTES')
    for await (const message of await consumer.consume({ max_messages: 1_000 })) {
      all.push(message.json<{ data: Numbered }>().data)
      if (message.seq === state.last_seq) return all
    }
    return all
  }
})
