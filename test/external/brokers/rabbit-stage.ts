/** For tests of the RabbitMQ consumer: a queue and its dead letter queue for each test, one broker, and the second bus. */
import type { Channel, ChannelModel, Options } from 'amqplib'
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest'
import { consumeRabbit, type RabbitConsumerOptions } from '../../../src/rabbitmq/index.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { openRabbitServer, type RabbitServer } from '../../support/rabbitmq-server.ts'
import { until } from '../../support/until.ts'
import { heard, note, notes, prepareSecond, secondBus, type SecondBus } from './second-bus.ts'

export interface RabbitStage {
  readonly server: RabbitServer
  readonly connection: ChannelModel
  readonly channel: Channel
  readonly database: TestDatabase
  readonly second: SecondBus
  readonly queue: string
  /** Connects again after the broker was killed. */
  connect(): Promise<void>
}

/** Registers the hooks of a test file. The hooks fill the object that this returns. */
export function rabbitStage(): RabbitStage {
  const stage = { queue: '' } as { -readonly [Name in keyof RabbitStage]: RabbitStage[Name] }
  let queues = 0
  stage.connect = async () => {
    stage.connection = await stage.server.connect()
    stage.channel = await stage.connection.createChannel()
    stage.channel.on('error', () => undefined)
  }

  beforeAll(async () => {
    stage.server = await openRabbitServer()
    await stage.connect()
    stage.database = await createDatabase()
    await prepareSecond(stage.database.connectionString)
  }, 180_000)
  afterAll(async () => {
    await stage.connection.close().catch(() => undefined)
    await stage.server.remove()
    await stage.database.drop()
  })
  beforeEach(async () => {
    queues += 1
    stage.second = secondBus(stage.database.connectionString)
    stage.queue = `notes${queues}`
    await stage.second.pool.query('truncate heard')
    await stage.second.pool.query('truncate second.event cascade')
    const { channel, queue } = stage
    await channel.assertExchange(`${queue}.dead`, 'fanout')
    await channel.assertQueue(`${queue}.dead`)
    await channel.bindQueue(`${queue}.dead`, `${queue}.dead`, '')
    await channel.assertQueue(queue, { arguments: { 'x-dead-letter-exchange': `${queue}.dead` } })
    return () => stage.second.close()
  })
  return stage
}

export async function consume({ second, server, queue }: RabbitStage, options: Partial<RabbitConsumerOptions> = {}) {
  const effects: RabbitConsumerOptions['effects'] = (message, _, { tx }) => note(message, tx)
  const consumer = await consumeRabbit({ bus: second.bus, url: server.url, queue, source: notes, effects, ...options })
  onTestFinished(() => consumer.stop())
  return consumer
}

export async function send(stage: RabbitStage, data: { n: number }, options: Options.Publish = {}) {
  await sendText(stage, JSON.stringify(data), { messageId: `message ${data.n}`, ...options })
}

export async function sendText({ connection, queue }: RabbitStage, text: string, options: Options.Publish) {
  const confirming = await connection.createConfirmChannel()
  confirming.sendToQueue(queue, Buffer.from(text), { persistent: true, ...options })
  await confirming.waitForConfirms()
  await confirming.close()
}

/** The number of messages in a queue, without those in hand. */
export async function waiting({ channel, queue }: RabbitStage, name = queue): Promise<number> {
  return (await channel.checkQueue(name)).messageCount
}

export async function heardBy({ second }: RabbitStage, count: number) {
  await until(`${count} are heard`, async () => (await heard(second.pool)).length >= count, 60_000)
}
