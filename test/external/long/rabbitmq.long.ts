/** 10,000 events through RabbitMQ, while the broker and the processes are killed again and again. */
import { expect, onTestFinished, test } from 'vitest'
import { openRabbitServer } from '../../support/rabbitmq-server.ts'
import { outOfOrder, runPipeline, type Numbered } from '../brokers/pipeline.ts'

const EVENTS = 10_000

test('no event is lost, each has its effects once, and keys keep their order from bus to bus', async () => {
  const server = await openRabbitServer()
  onTestFinished(() => server.remove())
  const setUp = await (await server.connect()).createChannel()
  await setUp.assertExchange('notes', 'fanout', { durable: true })
  // One consumer at a time over all processes. A second queue keeps a copy of every message, for counting.
  await setUp.assertQueue('notes', { durable: true, arguments: { 'x-single-active-consumer': true } })
  await setUp.assertQueue('copies', { durable: true })
  await setUp.bindQueue('notes', 'notes', '')
  await setUp.bindQueue('copies', 'notes', '')
  const seed = Date.now() % 1_000_000

  const report = await runPipeline({
    events: EVENTS,
    keys: 50,
    seed,
    broker: server,
    relaying: { rabbit: { url: server.url, exchange: 'notes' } },
    consuming: { rabbit: { url: server.url, queue: 'notes' } },
  })

  const sent = await everything()
  const duplicates = sent.length - EVENTS
  console.log(`rabbitmq, seed ${seed}: ${JSON.stringify({ ...report, duplicates })}`)
  expect(report).toMatchObject({ problems: [], effects: EVENTS, eventsOfSecondBus: EVENTS })
  expect(outOfOrder(sent)).toEqual([])
  // Messages that were sent but not confirmed when a worker or the broker died: each time at most as many as a worker runs at once.
  expect(duplicates).toBeLessThanOrEqual(40 * (report.brokerKills + report.relayKills))

  async function everything(): Promise<readonly Numbered[]> {
    const connection = await server.connect()
    const channel = await connection.createChannel()
    const all: Numbered[] = []
    for (;;) {
      const message = await channel.get('copies', { noAck: true })
      if (message === false) break
      all.push((JSON.parse(message.content.toString()) as { data: Numbered }).data)
    }
    await connection.close()
    return all
  }
})
