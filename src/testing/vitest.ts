/** The setup file for vitest, `setupFiles: ['postbus/vitest']`: each test gets an event bus of its own, concurrent ones too. */
import { aroundEach, type TestContext } from 'vitest'
import { state } from './state.ts'
import { installTestBackends } from './test-backends.ts'
import { TestBus } from './test-bus.ts'
import { withTestBus } from './with-test-bus.ts'

// Setup files run again for each test file, so a mode that the previous file chose ends here.
state.outside = new TestBus('outside of any test', null)
if (state.installed === 0) installTestBackends()

aroundEach(async (runTest, { task }) => {
  await withTestBus(runTest, { name: nameOf(task) })
})

/** A test's name begins with the names of the blocks around it. */
function nameOf(task: TestContext['task']): string {
  const names = [task.name]
  for (let { suite } = task; suite?.name; { suite } = suite) names.unshift(suite.name)
  return names.join(' > ')
}
