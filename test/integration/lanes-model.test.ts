/** Random lives of two lanes on a real Postgres. `lanes-model.long.ts` runs more of them. */
import { expect, onTestFinished, test } from 'vitest'
import { runLives } from '../support/lane-model.ts'
import { LaneWorld } from '../support/lane-world.ts'

test('each lane keeps its order and goes on, after any acts of publishers, workers and operators', async () => {
  const world = await LaneWorld.open()
  onTestFinished(() => world.close())
  const seed = Math.floor(Math.random() * 2 ** 31)

  const lives = await runLives(world, { forMs: 8_000, seed })

  console.log(`lanes: seed ${seed}: ${lives} lives`)
  expect(lives).toBeGreaterThan(5)
}, 60_000)
