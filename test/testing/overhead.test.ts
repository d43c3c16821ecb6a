/** What a test pays for recording: too little to think about. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import { createCodec } from '../../src/codec.ts'
import { aBus, anOrder } from './shop.ts'
import { withTestBus } from '../../src/testing/index.ts'

const ROUNDS = 10
const EVENTS = 500

test('mailbox mode costs less than 50 µs a publish beyond the codec', async () => {
  const bus = aBus()
  const codec = createCodec()
  const orders = Array.from({ length: EVENTS }, () => anOrder({ orderId: 'o'.repeat(100), placedAt: new Date() }))
  const costs: number[] = []

  for (let round = 0; round < ROUNDS; round++) {
    const publishing = await timeOf(() => withTestBus(async () => publishAll()))
    const coding = await timeOf(async () => orders.forEach(({ data }) => codec.decode(codec.encode(data, ''))))
    costs.push(publishing - coding)
  }

  // The best round is the one in which the machine did nothing else.
  expect((Math.min(...costs) / EVENTS) * 1_000).toBeLessThan(50)

  async function publishAll(): Promise<void> {
    for (const order of orders) await bus.publish(order)
  }
})

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
