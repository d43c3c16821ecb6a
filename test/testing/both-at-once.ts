/** Two tests at the same time, inside one, so that a test can look at what concurrent tests do to each other. */
import { withTestBus, type TestBus } from '../../src/testing/index.ts'

/** Two tests at the same time, that can wait for each other. */
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

/** Resolves when so many have come. */
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
