/** Events of a trigger and of the code for the same keys: workers handle them in the order in which the row lock was held. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { outOfOrder, overtaken, type PublishedTurn } from '../support/order-checks.ts'
import type { TraceEntry } from '../support/trace.ts'
import { until } from '../support/until.ts'

const KEYS = ['a', 'b', 'c']
const PUBLISHERS = 6
const TURNS_EACH = 20

const Turned = defineEvent('counters.turned', {
  schema: z.object({ key: z.string(), turn: z.coerce.bigint(), by: z.enum(['sql', 'code']) }),
  partitionKey: ({ key }) => key,
})
const trace: TraceEntry[] = []
const follow = defineHandler('counters.follow', {
  on: Turned,
  backoff: { initialMs: 10 },
  async handle({ id, data: { key } }, { attempt }) {
    const step = (what: TraceEntry['step']) =>
      trace.push({
        handler: 'counters.follow',
        eventId: id,
        key,
        attempt,
        pid: 1,
        step: what,
        reason: null,
        at: performance.now(),
      })
    step('start')
    await sleep(Math.random() * 4) // so that others can overtake
    if (attempt === 1 && Math.random() < 0.1) {
      step('fail')
      throw new Error('again')
    }
    step('end')
  },
})

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [follow] })
  await shop.database.query(`
    create table counter (key text primary key, turn bigint not null, by text not null);
    create function counter_turned() returns trigger language plpgsql as $$ begin
      perform postbus.publish_event('counters.turned', to_jsonb(new), partition_key => new.key);
      return null;
    end $$;
    create trigger counter_turned after update on counter for each row when (new.by = 'sql') execute function counter_turned();
    insert into counter select key, 0, 'none' from unnest(array['${KEYS.join("','")}']) as key`)
})

afterAll(() => shop.close())

test('events of a trigger and of the code reach a handler in the order of the row lock, key by key, with retries', async () => {
  const workers = [shop.bus.worker({ pollMs: 100 }), shop.bus.worker({ pollMs: 100 })]
  await Promise.all(workers.map((worker) => worker.start()))

  await Promise.all(Array.from({ length: PUBLISHERS }, (_, number) => publisher(number)))
  const published = await turns()
  await until('all are handled', () => trace.filter(({ step }) => step === 'end').length === published.length, 60_000)
  await Promise.all(workers.map((worker) => worker.stop()))

  expect(published).toHaveLength(PUBLISHERS * TURNS_EACH)
  expect(new Set(published.map(({ by }) => by))).toEqual(new Set(['sql', 'code']))
  expect(outOfOrder(published, trace)).toEqual([])
  expect(overtaken(published, trace)).toEqual([])
  expect(await shop.bus.deadLetters.count()).toBe(0)
})

/** Holds the key's row, and publishes: by the trigger, or by the code. Some transactions roll back. */
async function publisher(number: number): Promise<void> {
  const client = await shop.database.connect()
  for (let n = 0; n < TURNS_EACH;) {
    const key = KEYS[(n + number) % KEYS.length] ?? 'a'
    const isUndone = Math.random() < 0.1
    await client.query('begin')
    await turn(client, key, (n + number) % 2 === 0 ? 'sql' : 'code')
    await client.query(isUndone ? 'rollback' : 'commit')
    if (!isUndone) n += 1
  }
  client.release()
}

async function turn(client: PoolClient, key: string, by: 'sql' | 'code'): Promise<void> {
  const { rows } = await client.query<{ turn: string }>(
    'update counter set turn = turn + 1, by = $2 where key = $1 returning turn',
    [key, by],
  )
  if (by === 'code') await shop.bus.publish(Turned({ key, turn: rows[0]?.turn ?? '', by }), { tx: client })
}

async function turns(): Promise<readonly (PublishedTurn & { readonly by: string })[]> {
  const { rows } = await shop.database.query<{ eventId: string; key: string; turn: number; by: string }>(
    `select id as "eventId", partition_key as key, (payload #>> '{json,turn}')::integer as turn, payload #>> '{json,by}' as by
    from postbus.event order by seq`,
  )
  return rows
}
