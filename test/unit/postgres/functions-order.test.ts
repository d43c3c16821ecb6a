/** Migrating installs our functions one after the other, while publishers and workers call them. */
import { expect, test } from 'vitest'
import { createFunctions } from '../../../src/backends/postgres/functions/index.ts'
import { tablesIn } from '../../../src/backends/postgres/schema/tables.ts'

test('a function is installed before the functions that call it', async () => {
  const statements: string[] = []
  const recording = { query: async (text: string) => (statements.push(text), { rows: [], rowCount: 0 }) }

  await createFunctions(recording as never, tablesIn({ postbus: 'postbus', pgboss: 'pgboss' }))

  const names = statements.map((text) => /create or replace function "postbus"\.(\w+)/.exec(text)?.[1] ?? '')
  expect(names).toContain('publish')
  const tooLate = statements.flatMap((text, place) =>
    names.flatMap((name, other) =>
      other > place && name !== '' && text.includes(`"postbus".${name}(`) && !names.slice(0, place + 1).includes(name)
        ? [`${names[place]} calls ${name}, which is installed later`]
        : [],
    ),
  )
  expect(tooLate).toEqual([])
})
