/** F29: the clocks of publishers and workers are a day ahead or behind: only the database's clock decides what is due, and which claim is too old. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { lost, needlessRepeats, overlaps } from '../support/trace-checks.ts'
import { STEADY, type Task } from './tasks.ts'

const DAY_MS = 86_400_000
const PUBLISHER = resolve(import.meta.dirname, 'skewed-publisher.ts')
const SKEWS = [
  { key: 'red', clock: clockSetBy(DAY_MS) },
  { key: 'blue', clock: clockSetBy(-DAY_MS) },
]

test('F29: clocks a day ahead and a day behind: nothing waits, is taken over, or is out of order', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const workers = await Promise.all(SKEWS.map(({ clock }) => stage.worker({ node: ['--import', clock] })))

  const published = await Promise.all(SKEWS.map(({ key, clock }) => publishedBy(clock, stage.connectionString, key)))
  await stage.settled(30_000)

  const trace = await stage.trace.entries()
  expect([
    ...lost(published.flat().map((eventId) => ({ handler: STEADY.name, eventId })), trace), // prettier-ignore
    ...needlessRepeats(trace),
    ...overlaps(trace),
  ]).toEqual([])
  for (const [place, ids] of published.entries()) {
    expect(ids).toEqual(ids.toSorted())
    const keyed = trace.filter(({ key, step }) => key === SKEWS[place]?.key && step === 'start')
    expect(keyed.map(({ eventId }) => eventId)).toEqual([...ids.slice(1, 4), ids[3]])
  }
  expect(workers.flatMap((worker) => worker.signalsNamed('delivery.recovered'))).toEqual([])
}, 90_000)

async function publishedBy(clock: string, connectionString: string, key: string): Promise<readonly string[]> {
  // A task that fails once is due again by the database's clock.
  const tasks: readonly Task[] = [{}, { key }, { key }, { key, failures: 1 }, { failures: 1 }]
  const words = ['--import', clock, PUBLISHER, JSON.stringify({ connectionString, tasks })]
  const { stdout } = await promisify(execFile)(process.execPath, words)
  const { ids, today } = JSON.parse(stdout) as { ids: string[]; today: string }
  expect(Math.abs(Date.parse(today) - Date.now())).toBeGreaterThan(DAY_MS / 2)
  return ids
}

/** A module that moves the clock of a process by `ms`. The process must import it first. */
function clockSetBy(ms: number): string {
  const source = `const Real = Date
    globalThis.Date = class Date extends Real {
      constructor(...given) { super(...(given.length === 0 ? [Real.now() + ${ms}] : given)) }
      static now() { return Real.now() + ${ms} }
    }`
  return `data:text/javascript,${encodeURIComponent(source)}`
}
