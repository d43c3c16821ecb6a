/** A database with a stricter default isolation level: workers still claim and settle in read committed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBus, defineHandler, type BusSignal } from '../../src/index.ts'
import { HANDLER, openLanes, Turned, type Lanes } from '../support/lanes.ts'
import { until } from '../support/until.ts'

let lanes: Lanes

beforeAll(async () => {
  lanes = await openLanes()
})

afterAll(() => lanes.close())

test.each(['repeatable read', 'serializable'])(
  'a default of %s does not affect claims and settles',
  async (level) => {
    const database = new URL(lanes.shop.connectionString).pathname.slice(1)
    await lanes.database.query(`alter database ${database} set default_transaction_isolation = '${level}'`)
    const signals: BusSignal[] = []
    const ran: (number | null)[] = []
    const handlers = [defineHandler(HANDLER, { on: Turned, handle: ({ data }) => void ran.push(data.turn) })]
    const buses = [0, 1, 2].map(() =>
      createBus({
        connectionString: lanes.shop.connectionString,
        handlers,
        onSignal: (signal) => signals.push(signal),
      }),
    )
    const workers = buses.map((bus) => bus.worker({ pollMs: 100 }))
    await Promise.all(workers.map((worker) => worker.start()))

    for (let turn = 0; turn < 300; turn += 1) await buses[turn % 3]?.publish(Turned({ key: `key ${turn % 7}`, turn }))
    await until('all have run', () => ran.length >= 300)
    await Promise.all(workers.map((worker) => worker.stop()))
    await Promise.all(buses.map((bus) => bus.close()))

    expect(signals.filter(({ level: how }) => how !== 'info')).toEqual([])
    expect(ran).toHaveLength(300)
  },
  60_000,
)
