/** The model test of the lanes, for minutes instead of seconds. */
import { expect, onTestFinished, test } from 'vitest'
import { runLives } from '../../support/lane-model.ts'
import { LaneWorld } from '../../support/lane-world.ts'

const MINUTES = 5

test(`for ${MINUTES} minutes each lane keeps its order and goes on, after any act of publishers, workers and operators`, async () => {
  const world = await LaneWorld.open()
  onTestFinished(() => world.close())
  const seed = Math.floor(Math.random() * 2 ** 31)

  const lives = await runLives(world, { forMs: MINUTES * 60_000, seed, maxSteps: 120 })

  console.log(`lanes: seed ${seed}: ${lives} lives`)
  expect(lives).toBeGreaterThan(100)
})
