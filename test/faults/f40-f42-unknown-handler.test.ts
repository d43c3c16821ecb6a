/** F40, F42: two versions of the code side by side, of which only one knows a handler. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

const NEW = { name: 'faults.new', maxAttempts: 1 }
const OLD = { name: 'faults.steady' }

test('F40, F42: a delivery that this worker cannot handle is put back unharmed, and handled by one that can', async () => {
  const stage = await openStage({ handlers: [OLD, NEW] })
  onTestFinished(() => stage.close())
  const oldCode = await stage.worker({ handlers: [OLD] })
  await stage.publish({ for: NEW.name }, { for: NEW.name, key: 'red' }, { for: NEW.name, key: 'red' }, {})

  await oldCode.signalled('delivery.put-back', 2)
  await until('the one it knows is done', async () => (await stage.deliveries())[3]?.state === 'completed')
  await until('the others wait', async () => (await states()).slice(0, 3).join() === 'retry,retry,created')
  const { rows } = await stage.database.query<{ wait: number }>(
    `select extract(epoch from start_after - now())::float8 as wait from pgboss.job where state = 'retry'`,
  )
  await stage.worker()
  const allAreDone = async () => {
    // As if 30 s had passed. The old code still runs beside the new one, and may be faster several times in a row.
    await stage.database.query(`update pgboss.job set start_after = now() where state = 'retry'`)
    return (await states()).every((state) => state === 'completed')
  }
  await until('all are done', allAreDone, 40_000)

  expect(Math.min(...rows.map(({ wait }) => wait))).toBeGreaterThan(15)
  const starts = (await stage.trace.entries()).filter(({ handler, step }) => handler === NEW.name && step === 'start')
  expect(starts.map(({ attempt }) => attempt)).toEqual([1, 1, 1])
  expect(await stage.dead()).toEqual([])
  expect(oldCode.signalsNamed('delivery.put-back')[0]?.fields).toMatchObject({ code: 'POSTBUS_UNKNOWN_HANDLER' })

  async function states() {
    return (await stage.deliveries()).map(({ state }) => state)
  }
}, 90_000)
