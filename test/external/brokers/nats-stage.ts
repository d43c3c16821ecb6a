/** For tests of the JetStream consumer: a stream and a consumer for each test, one server, and the second bus. */
import { AckPolicy, type ConsumerConfig } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest'
import { consumeJetStream, type JetStreamConsumerOptions } from '../../../src/nats/index.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { openNatsServer, type NatsClient, type NatsServer } from '../../support/nats-server.ts'
import { until } from '../../support/until.ts'
import { note, notes, prepareSecond, secondBus, type SecondBus } from './second-bus.ts'

export interface NatsStage {
  readonly server: NatsServer
  readonly nats: NatsClient
  readonly database: TestDatabase
  readonly second: SecondBus
  readonly stream: string
  readonly prefix: string
}

/** Registers the hooks of a test file. The hooks fill the object that this returns. */
export function natsStage(): NatsStage {
  const stage = { prefix: '', stream: '' } as { -readonly [Name in keyof NatsStage]: NatsStage[Name] }
  let streams = 0

  beforeAll(async () => {
    stage.server = await openNatsServer()
    stage.nats = await stage.server.connect()
    stage.database = await createDatabase()
    await prepareSecond(stage.database.connectionString)
  })
  afterAll(async () => {
    await stage.nats.connection.close()
    await stage.server.remove()
    await stage.database.drop()
  })
  beforeEach(async () => {
    streams += 1
    stage.second = secondBus(stage.database.connectionString)
    stage.prefix = `notes${streams}`
    stage.stream = `NOTES${streams}`
    await stage.second.pool.query('truncate heard')
    await stage.second.pool.query('truncate second.event cascade')
    await stage.nats.manager.streams.add({ name: stage.stream, subjects: [`${stage.prefix}.>`] })
    await makeConsumer(stage)
    return async () => {
      await stage.second.close()
      await stage.nats.manager.streams.delete(stage.stream)
    }
  })
  return stage
}

export async function makeConsumer({ nats, stream }: NatsStage, options: Partial<ConsumerConfig> = {}) {
  await nats.manager.consumers.delete(stream, 'second').catch(() => undefined)
  await nats.manager.consumers.add(stream, { durable_name: 'second', ack_policy: AckPolicy.Explicit, ...options })
}

export function required({ second, server, stream }: NatsStage) {
  return { bus: second.bus, servers: server.servers, stream, consumer: 'second', source: notes }
}

export async function consume(stage: NatsStage, options: Partial<JetStreamConsumerOptions> = {}) {
  const { servers, ...others } = required(stage)
  const place = options.connection ? {} : { servers }
  const effects: JetStreamConsumerOptions['effects'] = (message, _, { tx }) => note(message, tx)
  const consumer = await consumeJetStream({ ...place, ...others, effects, ...options })
  onTestFinished(() => consumer.stop())
  return consumer
}

export async function send({ nats, prefix }: NatsStage, data: { n: number; key?: string } | string) {
  const key = typeof data === 'string' ? 'none' : (data.key ?? 'none')
  await nats.client.publish(`${prefix}.${key}`, typeof data === 'string' ? data : JSON.stringify(data))
}

/** Sends no message id by which the server would recognize duplicates. */
export async function sendCloudEvent({ nats, prefix }: NatsStage, id: string, n: number) {
  const event = { specversion: '1.0', id, source: '/test', type: 'note', data: { n } }
  const sent = headers()
  sent.set('content-type', 'application/cloudevents+json')
  await nats.client.publish(`${prefix}.any`, JSON.stringify(event), { headers: sent })
}

export function standing({ nats, stream }: NatsStage) {
  return nats.manager.consumers.info(stream, 'second')
}

export async function acknowledged(stage: NatsStage, sequence: number) {
  const isReached = async () => (await standing(stage)).ack_floor.stream_seq === sequence
  await until(`${sequence} are acknowledged`, isReached, 30_000)
}
