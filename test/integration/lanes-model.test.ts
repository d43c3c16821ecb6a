/** Random lives of two lanes against a real Postgres; `lanes-model.long.ts` lives more of them. */
import { expect, onTestFinished, test } from 'vitest'
import { runLives } from '../support/lane-model.ts'
import { LaneWorld } from '../support/lane-world.ts'

test('whatever publishers, workers and operators do, each lane keeps its order and goes on', async () => {
  const world = await LaneWorld.open()
  onTestFinished(() => world.close())
  const seed = Math.floor(Math.random() * 2 ** 31)

  const lives = await runLives(world, { forMs: 8_000, seed })

  console.log(`lanes: seed ${seed}: ${lives} lives`)
  expect(lives).toBeGreaterThan(5)
}, 60_000)
