/** A database may format names, intervals and numbers in its own way. The doctor does not report this as a change of the schema. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus } from '../support/notes.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
})
afterAll(() => opened.close())

test.each([
  'quote_all_identifiers = on',
  'search_path = pgboss, public',
  `search_path = ''`,
  'intervalstyle = iso_8601',
  `timezone = 'Asia/Kathmandu'`,
  'extra_float_digits = -15',
  'standard_conforming_strings = off',
  'bytea_output = escape',
])('no drift is reported with %s', async (setting) => {
  const database = (await opened.database.query('select current_database() as name')).rows[0].name as string
  await opened.database.query(`alter database "${database}" set ${setting}`)
  const bus = anotherBus(opened, [])
  onTestFinished(async () => {
    await bus.close()
    await opened.database.query(`alter database "${database}" reset all`)
  })

  const findings = await bus.doctor()

  expect(findings.find(({ check }) => check === 'schema')).toMatchObject({
    status: 'ok',
    message: expect.stringContaining('no drift'),
  })
})
