/** What a JetStream consumer refuses: messages that can never be received, and wrong options. */
import { AckPolicy } from '@nats-io/jetstream'
import { describe, expect, test } from 'vitest'
import { consumeJetStream, type JetStreamConsumerOptions } from '../../src/nats/index.ts'
import { until } from '../support/until.ts'
import { acknowledged, consume, natsStage, required, send, standing } from './brokers/nats-stage.ts'
import { heard, named, note, numbers } from './brokers/second-bus.ts'

const stage = natsStage()

describe('messages that can never be received', () => {
  test('an unreadable message is terminated at once, and the next one is received', async () => {
    const rejected: [string, unknown][] = []
    await consume(stage, { onRejected: (message, error) => void rejected.push([message.text(), error]) })

    await send(stage, '{ no json')
    await send(stage, '{"n":"no number"}')
    await send(stage, { n: 3 })
    await acknowledged(stage, 3)

    expect(numbers(await heard(stage.second.pool))).toEqual([3])
    expect(rejected.map(([text]) => text)).toEqual(['{ no json', '{"n":"no number"}'])
    expect(named(stage.second, 'message.rejected')).toMatchObject([
      {
        level: 'error',
        fields: { source: 'first-bus', stream: stage.stream, sequence: 1, error: expect.stringContaining('JSON') },
      },
      { level: 'error', fields: { sequence: 2 } },
    ])
    expect((await standing(stage)).num_redelivered).toBe(0)
  })

  test('a message that has failed `maxAttempts` times is terminated, without its effects', async () => {
    await consume(stage, {
      maxAttempts: 2,
      effects: async (message, _, { tx }) => {
        await note(message, tx)
        if (message.sequence === 1) throw new Error('never')
      },
    })

    await send(stage, { n: 1 })
    await send(stage, { n: 2 })
    await acknowledged(stage, 2)

    expect(numbers(await heard(stage.second.pool))).toEqual([2])
    expect(named(stage.second, 'message.rejected')).toMatchObject([{ fields: { sequence: 1, error: 'never' } }])
  })

  test('a message is not rejected while `onRejected` fails', async () => {
    let calls = 0
    await consume(stage, {
      onRejected: () => {
        calls += 1
        if (calls < 3) throw new Error('the table of rejected messages is locked')
      },
    })

    await send(stage, 'what is this')
    await acknowledged(stage, 1)

    expect(calls).toBe(3)
    expect(named(stage.second, 'message.rejected')).toHaveLength(1)
  })
})

test('failures do not count while the database is away', async () => {
  await consume(stage, { maxAttempts: 1 })
  await stage.second.pool.query('alter schema second rename to away')
  await send(stage, { n: 1 })
  await until('it has failed twice', () => named(stage.second, 'message.failed').length >= 2)
  await stage.second.pool.query('alter schema away rename to second')
  await acknowledged(stage, 1)

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
  expect(named(stage.second, 'message.failed')[0]).toMatchObject({ fields: { failures: 0 } })
})

describe('consumeJetStream refuses', () => {
  test.each([
    ['no such stream', { stream: 'NOWHERE' }, 'POSTBUS_BROKER_SETUP', 'There is no pull consumer "second"'],
    ['no such consumer', { consumer: 'missing' }, 'POSTBUS_BROKER_SETUP', 'There is no pull consumer "missing"'],
    ['no server', { servers: 'nats://127.0.0.1:1' }, 'POSTBUS_BROKER_UNREACHABLE', 'NATS cannot be reached'],
    ['no place', { servers: undefined }, 'POSTBUS_INVALID_OPTIONS', 'expected one of `servers`'],
    ['odd concurrency', { concurrency: 0 }, 'POSTBUS_INVALID_OPTIONS', 'concurrency'],
    ['an option that there is not', { prefetch: 3 }, 'POSTBUS_INVALID_OPTIONS', 'prefetch'],
  ])('%s', async (_, options, code, message) => {
    const given = { ...required(stage), ...options } as JetStreamConsumerOptions
    await expect(consumeJetStream(given)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('a consumer that acknowledges all at once', async () => {
    await stage.nats.manager.consumers.add(stage.stream, { durable_name: 'all', ack_policy: AckPolicy.All })
    await expect(consumeJetStream({ ...required(stage), consumer: 'all' })).rejects.toMatchObject({
      code: 'POSTBUS_BROKER_SETUP',
      message: expect.stringContaining('acknowledges by the policy "all"') as unknown,
    })
  })
})
