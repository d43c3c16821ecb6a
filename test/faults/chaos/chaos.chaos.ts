/** The chaos run: faults one after the other, sometimes two at once, then a time without faults, and the verdict of the checkers. */
import { expect, inject, onTestFinished, test } from 'vitest'
import { seeded } from '../kills-under-load.ts'
import { FAULTS } from './faults.ts'
import { judge } from './judge.ts'
import { startPublishers } from './publishers.ts'
import { openWorld } from './world.ts'

/** The time after the last fault within which everything must be done. */
const PEACE_MS = 90_000

test('no promise is broken while processes, connections, server and clock fail', async () => {
  const { minutes, seed } = inject('chaos')
  console.log(`chaos: ${minutes} minutes with seed ${seed}`)
  const random = seeded(seed)
  const world = await openWorld(random)
  onTestFinished(() => world.close())
  const publishers = await startPublishers(world, seed)
  const startedAt = performance.now()
  const counts = new Map<string, number>()

  while (performance.now() - startedAt < minutes * 60_000) {
    await world.pause(500 + random() * 2_500)
    const chosen = [FAULTS[Math.floor(random() * FAULTS.length)]!]
    if (random() < 0.25) chosen.push(FAULTS[Math.floor(random() * FAULTS.length)]!)
    await Promise.all(
      [...new Set(chosen)].map(async ({ name, inject: injected }) => {
        const at = Math.round((performance.now() - startedAt) / 1_000)
        const told = await injected(world)
        counts.set(name, (counts.get(name) ?? 0) + 1)
        const until = Math.round((performance.now() - startedAt) / 1_000)
        console.log(`  ${at} s to ${until} s: ${name}${told ? `, ${told}` : ''}`)
      }),
    )
  }
  const acknowledged = await publishers.stop()
  const peaceAt = performance.now()
  await world.stage.settled(PEACE_MS).catch(() => undefined) // deliveries that are left are reported as stuck

  const { checked, problems, ...numbers } = await judge(world, acknowledged)
  console.log(`injected: ${Array.from(counts, ([name, count]) => `${count} × ${name}`).join('; ')}`)
  console.log(`checked: ${checked.join('; ')}`)
  console.log(`numbers: ${JSON.stringify({ ...numbers, drainedInMs: Math.round(performance.now() - peaceAt) })}`)
  console.log(
    `found: ${problems.length === 0 ? 'nothing' : `${problems.length} (seed ${seed})\n${problems.join('\n')}`}`,
  )
  expect(problems).toEqual([])
  expect(numbers.runs).toBeGreaterThan(0)
})
