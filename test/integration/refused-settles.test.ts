/** Outcomes that the server refuses to store: they take no slot, affect nothing else, and are stored once the cause is gone. */
import { expect, onTestFinished, test } from 'vitest'
import { discard, type BusSignal, type WorkerOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

test.each(['P0001', '42501', '54000', '53100'])(
  'dead letters refused with %s delay nothing else: all other deliveries are settled, each runs once, and the reason is reported',
  async (code) => {
    const { opened, runs } = await working({ queues: { events: 20, events_partitioned: 20 } })
    await refuseDeadLetters(opened, code)
    // Every fifth event dies. Every second event has a key of its own.
    await opened.bus.publish(Array.from({ length: 202 }, (_, n) => NoteTaken({ n, key: n % 2 ? `key ${n}` : null })))

    await until('all others are settled', async () => (await statesOf(opened)).join() === 'active 41,completed 161')
    await until('the reason is told', () => refusals(opened).length >= 2)

    expect(refusals(opened)[0]?.message).toContain(`no more letters (${code})`)
    expect(refusals(opened)[0]?.fields).toMatchObject({ handlers: ['notes.take'], codes: [code] })
    expect(opened.signals.filter(({ name }) => name.startsWith('database.'))).toEqual([])

    await opened.database.query('drop trigger refuse on postbus.dead_letter')
    await until('the letters are stored', async () => (await opened.bus.deadLetters.count()) === 41)
    expect(runs()).toEqual({ deliveries: 202, runs: 202 })
    await until('that is told', () => opened.signalsNamed('settle.stored').length === 2)
  },
  40_000,
)

test('a refused outcome keeps its claim', async () => {
  const { opened } = await working()
  await refuseDeadLetters(opened, 'P0001')
  await opened.bus.publish(NoteTaken({ n: 0 }))
  await until('it is refused', () => refusals(opened).length > 0)
  const before = await heartbeat(opened)

  await expect.poll(() => heartbeat(opened), { timeout: 10_000 }).toBeGreaterThan(before)
})

test('a stop tries a refused outcome once more, and does not give back a delivery that has run', async () => {
  const { opened, worker } = await working()
  await refuseDeadLetters(opened, 'P0001')
  await opened.bus.publish([0, 1, 2].map((n) => NoteTaken({ n })))
  await until('one is refused', async () => refusals(opened).length > 0 && (await statesOf(opened)).length === 2)
  const tried = await tries(opened)

  const report = await worker.stop()

  expect(report).toEqual({ givenBack: 0 })
  expect(await tries(opened)).toBeGreaterThan(tried)
  expect(await statesOf(opened)).toEqual(['active 1', 'completed 2'])
  expect(opened.signalsNamed('worker.stopped')).toMatchObject([
    { message: 'Stopped; the outcomes of 1 could not be stored: they will run again.', fields: { unsettled: 1 } },
  ])
})

test('a stop stores a refused outcome if the cause is gone by then', async () => {
  const { opened, worker } = await working()
  await refuseDeadLetters(opened, 'P0001')
  await opened.bus.publish(NoteTaken({ n: 0 }))
  await until('it is refused', () => refusals(opened).length > 0)
  await opened.database.query('drop trigger refuse on postbus.dead_letter')

  await worker.stop()

  expect(await opened.bus.deadLetters.count()).toBe(1)
  expect(worker.counts()).toMatchObject({ dead: 1 })
})

async function working(options: WorkerOptions = {}) {
  const ran: number[] = []
  const keep = handlerThat((n) => {
    ran.push(n)
    return n % 5 === 0 ? discard('not wanted') : undefined
  })
  const opened = await openTestBus({ handlers: [keep] })
  onTestFinished(() => opened.close())
  const worker = opened.bus.worker({ shutdownGraceMs: 500, ...options })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return { opened, worker, runs: () => ({ deliveries: new Set(ran).size, runs: ran.length }) }
}

/** Refuses dead letters, and counts the attempts in a sequence, which no rollback undoes. */
async function refuseDeadLetters({ database }: TestBus, code: string): Promise<void> {
  await database.query(`
    create sequence tries;
    create function refuse() returns trigger language plpgsql as $$ begin
      perform nextval('public.tries');
      raise exception 'no more letters' using errcode = '${code}';
    end $$;
    create trigger refuse before insert on postbus.dead_letter for each row execute function refuse()`)
}

function refusals(opened: TestBus): readonly BusSignal[] {
  return opened.signalsNamed('settle.refused')
}

async function statesOf(opened: TestBus): Promise<readonly string[]> {
  const counts = new Map<string, number>()
  for (const { state } of await storedNotes(opened)) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, count]) => `${state} ${count}`).toSorted()
}

async function tries({ database }: TestBus): Promise<number> {
  const { rows } = await database.query<{ count: string }>('select last_value as count from tries')
  return Number(rows[0]?.count)
}

async function heartbeat({ database }: TestBus): Promise<number> {
  const { rows } = await database.query<{ at: number }>(
    'select extract(epoch from heartbeat_on)::float8 as at from pgboss.job',
  )
  return rows[0]?.at ?? Number.NaN
}
