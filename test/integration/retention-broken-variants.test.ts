/**
 * Each part of pruning prevents a failure in some case. Every case runs twice: with the intact functions, and with one
 * piece removed, which the check must notice.
 */
import { expect, onTestFinished, test } from 'vitest'
import { openAttic, writeLetters, type Attic } from '../support/pruning.ts'

interface Variant {
  readonly without: string
  readonly break: readonly [piece: string | RegExp, replacement: string]
  /** Returns whether everything went as promised. */
  readonly holds: (attic: Attic) => Promise<boolean>
}

const variants: readonly Variant[] = [
  {
    without: 'holding the deliveries',
    break: [/(< before\s+)for update skip locked/, '$1'],
    async holds(attic) {
      await aCancelledDelivery(attic)
      const operator = await attic.connect()
      await operator.query('begin')
      await operator.query(`update pgboss.job set state = 'retry' where name = 'mail'`)
      const pruned = attic.prune()
      await waits(pruned)
      await operator.query('commit')
      await pruned
      return (await attic.stored()).events === 1
    },
  },
  {
    without: 'counting the deliveries that could not be held',
    break: [/kept := kept \|\| array\(select distinct [^;]*job\.row <> all[^;]*;/, ''],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`update pgboss.job set state = 'active' where name = 'mail'`)
      return keeps(attic)
    },
  },
  {
    without: 'leaving events alone whose rows someone holds',
    break: [/(event\.seq = old\.seq\s+)for update skip locked/, '$1'],
    async holds(attic) {
      await aCancelledDelivery(attic)
      const [other, pruner] = [await attic.connect(), await attic.connect()]
      await other.query('begin')
      await other.query('select from postbus.event for key share')
      const turn = await attic.prune(pruner).catch(() => null)
      return turn?.pruned === 0
    },
  },
  {
    without: 'asking one of the queues',
    break: ['own.name = used.name', `own.name = used.name and used.name <> 'mail'`],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`update pgboss.job set state = 'created' where name = 'mail'`)
      return keeps(attic)
    },
  },
  {
    without: 'the time at which the history says that they ended',
    break: ['done.ended_at >= before', 'false'],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`insert into postbus.history (seq, ended_at, took_ms, turn, handler)
        select seq, now(), 1, 0, 1 from postbus.event`)
      return keeps(attic)
    },
  },
  {
    without: 'looking for open dead letters',
    break: [/kept := kept \|\| array\(select distinct [^;]*letter\.row <> all[^;]*;/, ''],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await writeLetters(attic, { discarded: false, all: true })
      return keeps(attic)
    },
  },
  {
    without: 'the dead letter that a failed delivery must have',
    break: [/state::text = 'failed' and exists \([^)]*\)/, "state::text = 'failed'"],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`update pgboss.job set state = 'failed' where name = 'mail'`)
      return keeps(attic)
    },
  },
  {
    without: 'the time at which deliveries have ended',
    break: [/and greatest\([^)]*\) < before/, ''],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`update pgboss.job set completed_on = now() where name = 'mail'`)
      return keeps(attic)
    },
  },
  {
    without: 'beginning again',
    break: ['then 0 else coalesce', 'then coalesce(last_old, after_seq) else coalesce'],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`update pgboss.job set state = 'active' where name = 'mail'`)
      await attic.publish()
      await attic.hoursPass(2)
      await attic.prune()
      await attic.completeAll()
      await attic.hoursPass(2)
      await attic.prune()
      await attic.prune()
      return (await attic.stored()).events === 0
    },
  },
  {
    without: 'going on behind what had to stay',
    break: ['event.seq > place.after_seq', 'event.seq > 0'],
    async holds(attic) {
      for (let n = 0; n < 5; n += 1) await attic.publish()
      await attic.hoursPass(2)
      for (let n = 0; n < 5; n += 1) await attic.publish({ key: 'done' })
      await attic.database.query(`update pgboss.job set state = 'cancelled' where singleton_key is not null`)
      await attic.hoursPass(2)
      for (let turn = 0; turn < 2; turn += 1) await attic.prune(undefined, { batch: 5 })
      return (await attic.stored()).events === 5
    },
  },
  {
    without: 'turns between workers that prune',
    break: ['for update skip locked', ''],
    async holds(attic) {
      await aCancelledDelivery(attic)
      const [one, other] = [await attic.connect(), await attic.connect()]
      await one.query('begin')
      await attic.prune(one)
      return (await attic.prune(other).catch(() => 'waited')) === null
    },
  },
  {
    without: 'the real clock',
    break: [/least\(("?pgboss"?.job_now\(\)), clock_timestamp\(\)\)/, '$1'],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query('update postbus.event set published_at = now()')
      await attic.database.query(`create or replace function pgboss.job_now() returns timestamptz language sql stable
        as $now$ select now() + interval '31 days' $now$`)
      return keeps(attic)
    },
  },
  {
    without: 'the clock that a test has set back',
    break: [/least\(("?pgboss"?.job_now\(\)), clock_timestamp\(\)\)/, 'clock_timestamp()'],
    async holds(attic) {
      await aCancelledDelivery(attic)
      await attic.database.query(`create or replace function pgboss.job_now() returns timestamptz language sql stable
        as $now$ select now() - interval '31 days' $now$`)
      return keeps(attic)
    },
  },
]

test.each(variants)(
  'with $without everything is as promised, and without it the check fails',
  async ({ break: how, holds }) => {
    const attic = await openAttic()
    onTestFinished(() => attic.close())
    const [piece, replacement] = how

    expect(await holds(attic)).toBe(true)

    await attic.empty()
    await attic.database.query(RIGHT_CLOCK)
    await attic.break({ piece, replacement })
    expect(await holds(attic)).toBe(false)
  },
)

const RIGHT_CLOCK = `create or replace function pgboss.job_now() returns timestamptz language sql stable as $now$ select now() $now$`
/** A cancelled delivery of an event whose other delivery was completed two hours ago. */
async function aCancelledDelivery(attic: Attic): Promise<void> {
  await attic.publish()
  await attic.completeAll()
  await attic.database.query(`update pgboss.job set state = 'cancelled' where name = 'mail'`)
  await attic.hoursPass(2)
}

async function keeps(attic: Attic): Promise<boolean> {
  await attic.prune()
  return (await attic.stored()).events === 1
}

/** Waits until the work is done, or has had the time to get stuck behind a lock. */
async function waits(work: Promise<unknown>): Promise<void> {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, 300))])
}
