/** What a RabbitMQ consumer refuses: messages that can never be received, and wrong options. */
import { describe, expect, test } from 'vitest'
import { consumeRabbit, type RabbitConsumerOptions } from '../../src/rabbitmq/index.ts'
import { until } from '../support/until.ts'
import { consume, heardBy, rabbitStage, send, sendText, waiting } from './brokers/rabbit-stage.ts'
import { heard, named, note, notes, numbers } from './brokers/second-bus.ts'

const stage = rabbitStage()

describe('the dead letter exchange gets messages that can never be received', () => {
  test('a message that is unreadable or has no id, at once, and the next message is received', async () => {
    await consume(stage)

    await sendText(stage, '{ no json', { messageId: 'bad' })
    await sendText(stage, '{ "n": 1 }', {})
    await send(stage, { n: 3 })
    await heardBy(stage, 1)
    await until('both are there', async () => (await waiting(stage, `${stage.queue}.dead`)) === 2)

    expect(numbers(await heard(stage.second.pool))).toEqual([3])
    expect(named(stage.second, 'message.rejected')).toMatchObject([
      { level: 'error', fields: { queue: stage.queue, messageId: 'bad', error: expect.stringContaining('JSON') } },
      { level: 'error', fields: { messageId: '', error: expect.stringContaining('`id` returned an empty text') } },
    ])
  })

  test('a message that has failed `maxAttempts` times, and its effects are not stored', async () => {
    await consume(stage, {
      maxAttempts: 2,
      effects: async (message, _, { tx }) => {
        await note(message, tx)
        if (message.id === 'poison') throw new Error('never')
      },
    })

    await send(stage, { n: 1 }, { messageId: 'poison' })
    await send(stage, { n: 2 })
    await heardBy(stage, 1)

    expect(numbers(await heard(stage.second.pool))).toEqual([2])
    expect(await waiting(stage, `${stage.queue}.dead`)).toBe(1)
    expect(named(stage.second, 'message.rejected')).toMatchObject([{ fields: { messageId: 'poison', error: 'never' } }])
  })
})

describe('consumeRabbit refuses', () => {
  test.each([
    ['no such queue', { queue: 'nowhere' }, 'POSTBUS_BROKER_SETUP', 'Queue "nowhere" cannot be consumed'],
    ['no broker', { url: 'amqp://127.0.0.1:1' }, 'POSTBUS_BROKER_UNREACHABLE', 'RabbitMQ cannot be reached'],
    ['no place', { url: undefined }, 'POSTBUS_INVALID_OPTIONS', 'expected one of `url`'],
    ['an option that there is not', { prefetch: 3 }, 'POSTBUS_INVALID_OPTIONS', 'prefetch'],
  ])('%s', async (_, options, code, message) => {
    const given = {
      bus: stage.second.bus,
      url: stage.server.url,
      queue: stage.queue,
      source: notes,
      ...options,
    } as RabbitConsumerOptions
    await expect(consumeRabbit(given)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as unknown,
    })
  })
})
