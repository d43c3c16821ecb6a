/** Roles that publish from SQL: the grants of docs/roles.md are enough, and fewer are not. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string() }),
  partitionKey: ({ account }) => account,
})
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
const ROLES = ['shop_web', 'shop_billing', 'shop_worker']

/** Roles belong to the server, which all tests share. */
const suffix = randomBytes(4).toString('hex')
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
  const page = await readFile(new URL('../../docs/roles.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql)
  for (const block of blocks.filter((sql) => ROLES.some((role) => sql.includes(`create role ${role} `))))
    await shop.database.query(
      block
        .replaceAll(/\bshop_(web|billing|worker)\b/g, `shop_$1_${suffix}`)
        .replaceAll(' login;', ` login password 'secret';`),
    )
})

afterAll(async () => {
  for (const role of ROLES)
    await shop.database.query(`drop owned by ${role}_${suffix} cascade; drop role ${role}_${suffix}`)
  await shop.close()
})

test('a role for SQL publishes registered types, inside and outside a transaction, and can do nothing else', async () => {
  const client = new Client({ connectionString: url('shop_billing') })
  await client.connect()
  const publish = `select postbus.publish_event('finances.paid', '{"account": "NL09"}', partition_key => 'NL09')`

  await client.query(publish)
  await client.query(`begin; ${publish}; savepoint one; ${publish}; rollback to one; commit`)

  const { rows } = await shop.database.query(
    `select count(*)::integer as count from pgboss.job where singleton_key = 'finances.book:NL09'`,
  )
  expect(rows).toEqual([{ count: 2 }])
  for (const forbidden of [
    'select from postbus.event',
    'select from postbus.registered_type',
    `insert into postbus.subscription default values`,
    `select postbus.publish('{}')`,
  ])
    await expect(client.query(forbidden), forbidden).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|22P02|PB)/) as unknown,
    })
  await client.end()
})

test('a role without the right to call it is refused, even if it publishes by the code', async () => {
  for (const role of ['shop_web', 'shop_worker']) {
    const client = new Client({ connectionString: url(role) })
    await client.connect()
    await expect(client.query(`select postbus.publish_event('finances.paid', '{}')`)).rejects.toMatchObject({
      code: '42501',
    })
    await client.end()
  }
})

test('a trigger with its owner’s rights publishes for a role without any right on our schemas', async () => {
  const web = `shop_web_${suffix}`
  await shop.database.query(`
    create table payment (account text);
    grant insert on payment to ${web};
    create function paid() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ begin
      perform postbus.publish_event('finances.paid', jsonb_build_object('account', new.account), partition_key => new.account);
      return null;
    end $$;
    create trigger paid after insert on payment for each row execute function paid();
    revoke usage on schema postbus, pgboss from ${web}`)
  const client = new Client({ connectionString: url('shop_web') })
  await client.connect()

  await client.query(`insert into payment values ('NL10')`)
  await client.query(`begin; insert into payment values ('NL10'); commit`)

  const { rows } = await shop.database.query(
    `select count(*)::integer as count from pgboss.job where singleton_key = 'finances.book:NL10'`,
  )
  expect(rows).toEqual([{ count: 2 }])
  await client.end()
  await shop.database.query(
    `delete from pgboss.job; delete from postbus.event; grant usage on schema postbus, pgboss to ${web}`,
  )
})

function url(role: string): string {
  const one = new URL(shop.connectionString)
  one.username = `${role}_${suffix}`
  one.password = 'secret'
  return one.href
}
