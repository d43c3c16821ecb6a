/** Two tests at the same time, inside one test, which can then observe how concurrent tests affect each other. */
import { withTestBus, type TestBus } from '../../src/testing/index.ts'

/** Two tests at the same time that can wait for each other. */
export async function bothAtOnce(
  work: (own: TestBus, meet: () => Promise<void>) => Promise<unknown>,
  mode: 'mailbox' | 'live' = 'mailbox',
) {
  const meeting = meetingOf(2)
  await Promise.all(
    ['left', 'right'].map((name) =>
      withTestBus(
        async (own) => {
          await meeting()
          await work(own, meeting)
          await meeting()
        },
        { name, mode },
      ),
    ),
  )
}

/** The function resolves when it was called `count` times. */
function meetingOf(count: number): () => Promise<void> {
  let here: (() => void)[] = []
  return () =>
    new Promise((resolve) => {
      here.push(resolve)
      if (here.length < count) return
      for (const go of here) go()
      here = []
    })
}
