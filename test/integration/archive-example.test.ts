/** The example of a pipeline that stores every event in batches. */
import { expect, onTestFinished, test } from 'vitest'
import { archivePipeline } from '../../examples/archive/pipeline.ts'
import { createDatabase } from '../support/database.ts'

test('the archive stores every event once, in batches that are nearly full', async () => {
  const { connectionString, drop } = await createDatabase()
  onTestFinished(() => drop())

  const { published, archived, batches } = await archivePipeline({ connectionString, count: 2_000 })

  expect({ published, archived }).toEqual({ published: 2_000, archived: 2_000 })
  expect(Math.max(...batches)).toBe(100)
  expect(batches.length).toBeLessThan(2_000 / 75)
})
