import { expect, test } from 'vitest'
import { NOTHING_SETTLED, type Settled, type Settlement } from '../../../src/deliveries/delivery.ts'
import { splitSettle } from '../../../src/worker/split-settle.ts'
import { aDelivery } from './a-delivery.ts'
import { sqlError } from './a-settler.ts'

test('the done deliveries of a run are settled even if the bad end of its last one is refused', async () => {
  const [first, second, last] = ['a', 'b', 'c'].map((id) => aDelivery({ id }))
  const ran = [first!, second!].map((delivery) => ({ delivery, tookMs: 1 }))
  const bad: Settlement = { delivery: last!, is: 'dead', reason: 'no', error: null, onDead: 'continue', ran }
  const stored: Settlement[] = []
  const settle = async ([one]: readonly Settlement[]): Promise<Settled> => {
    if (one?.is === 'dead') throw sqlError('P0001')
    stored.push(one!)
    return { ...NOTHING_SETTLED, ours: new Set([one!.delivery.id]) }
  }

  const { refused } = await splitSettle([bad], settle)

  expect([...refused.keys()]).toEqual([bad])
  expect(stored).toMatchObject([
    { is: 'done', delivery: { id: 'b' }, ran: [{ delivery: { id: 'a' } }], movesTo: { id: 'c' } },
  ])
})
