/**
 * The migrations produce exactly the schema in `test/golden/schema.sql`. A change of the schema is a change of that file, visible
 * to a reviewer: `npx vitest run test/integration/schema.test.ts --update` rewrites it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { dumpSchema } from '../support/schema-dump.ts'

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

test('a migrated database has the schema of test/golden/schema.sql', async () => {
  const schema = await dumpSchema(shop.database)

  await expect(schema).toMatchFileSnapshot('../golden/schema.sql')
})

test('the dump notices a changed column, default, index, trigger and function', async () => {
  const before = await dumpSchema(shop.database)

  for (const change of [
    'alter table postbus.event alter column source set not null',
    'alter table postbus.event alter column published_at set default now()',
    'drop index postbus.dead_letter_open',
    'drop trigger at_commit on postbus.event',
    `create or replace function postbus.no_such_queue(queue text) returns text language sql return 'none'`,
    'alter table postbus.event drop constraint event_id_key',
  ]) {
    const tx = await shop.database.connect()
    await tx.query('begin')
    await tx.query(change)
    expect(await dumpSchema(tx), change).not.toBe(before)
    await tx.query('rollback')
    tx.release()
  }

  expect(await dumpSchema(shop.database)).toBe(before)
})

test.each([
  'a"b',
  'a;drop schema public',
  'A',
  'ä',
  '',
  'a b',
  'a.b',
  '1a',
  'a\n',
  'x'.repeat(49),
  "a'",
  '__proto__\u0000',
])('%j is refused as the name of a schema, before any SQL', (name) => {
  for (const option of ['schema', 'pgbossSchema']) {
    expect(() => createBus({ [option]: name })).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
  }
})
