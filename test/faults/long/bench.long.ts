/** Every question of the benchmark runs. */
import { expect, test } from 'vitest'
import { questions } from '../../../bench/questions/index.ts'
import { askQuickly } from '../../support/ask-quickly.ts'

test('every question of the benchmark runs and prints figures', { timeout: 600_000 }, async () => {
  const { asked, output } = await askQuickly()

  expect(asked).toEqual(questions.map(({ name }) => name))
  expect(output).not.toMatch(/NaN|Infinity/)
})
