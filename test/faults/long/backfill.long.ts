/** A backfill of many events during live traffic on the same keys, with two kills. */
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer } from '../../support/embedded-server.ts'
import { openStage } from '../../support/stage.ts'
import { backfillUnderLoad, LATE } from '../backfill-under-load.ts'

test.each([
  { history: 5_000, live: 3_000 },
  { history: 100_000, live: 10_000 },
])('$history events are backfilled in order during live traffic, with two kills', async ({ history, live }) => {
  const server = await startEmbeddedServer({ max_connections: '200' })
  onTestFinished(() => server.remove())
  const stage = await openStage({ handlers: [LATE], server: server.connectionString })
  onTestFinished(() => stage.close())

  const report = await backfillUnderLoad(stage, { keys: 100, history, live, workers: 3, kills: 2 })

  console.log(`backfill: ${JSON.stringify(report)}`)
  expect(report).toMatchObject({ published: history + live, handled: history + live, problems: [] })
})
