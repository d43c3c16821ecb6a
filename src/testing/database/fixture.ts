/** Gives each running vitest test a database, which the next test reuses, or which is kept for you if the test failed. */
import type { Bus } from '../../bus.ts'
import { state } from '../state.ts'
import { isUnderTest } from './current-bus.ts'
import type { OpenedDatabase } from './open-database.ts'

/** The part of vitest's test context that is needed here. */
export interface TestContext {
  readonly task: { readonly name: string; readonly result?: { readonly state: string } }
}

export type FixtureOf<Value> = (
  context: TestContext,
  fixture: { onCleanup: (cleanup: () => Promise<void>) => void },
) => Promise<Value>

/** The most databases of failed tests that one process keeps. More could fill the disk. */
const MAX_KEPT = 5

export async function fixtureOf<B extends Bus>(
  open: () => Promise<OpenedDatabase<B>>,
): Promise<FixtureOf<OpenedDatabase<B>>> {
  const idle = [await open()]
  let kept = 0

  async function end(database: OpenedDatabase<B>, failedTest: string | null): Promise<void> {
    if (failedTest === null || kept >= MAX_KEPT) return void idle.push(database)
    kept += 1
    console.error(`\n"${failedTest}" failed. To look into its database:\n  ${await database.keep(failedTest)}\n`)
    await database.close()
  }

  // vitest reads from this function's source which other fixtures it needs, so its parameters are destructured here.
  return async ({ task }, { onCleanup }) => {
    const database = idle.pop() ?? (await open())
    await database.clean()
    publishForReal()
    const forget = isUnderTest(database.bus)
    onCleanup(async () => {
      forget()
      await end(database, task.result?.state === 'fail' ? task.name : null)
    })
    return database
  }
}

/** A test that asks for a database wants its events stored there, unless it has chosen another mode. */
function publishForReal(): void {
  const test = state.current.getStore()
  if (test && test.chosenMode === null) test.choose('live')
}
