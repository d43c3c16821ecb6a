/** F46: payloads around the limit, and ten times above the default limit: each is refused before any SQL, or arrives whole. */
import { expect, test } from 'vitest'
import { defineHandler } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { storedCounts } from '../support/stored.ts'

const MIB = 1_048_576

test.each([
  { limit: undefined, accepted: [0.9 * MIB, 0.999 * MIB], refused: [1.001 * MIB, 10 * MIB] },
  { limit: 16 * MIB, accepted: [1.1 * MIB, 10 * MIB], refused: [16.1 * MIB] },
])('F46: with a limit of $limit bytes', async ({ limit, accepted, refused }) => {
  const arrived: number[] = []
  const take = defineHandler('notes.take', {
    on: NoteTaken,
    handle: ({ data }) => void arrived.push(data.text?.length ?? 0),
  })
  const opened = await openTestBus({ handlers: [take], ...(limit !== undefined && { maxPayloadBytes: limit }) })
  const note = (length: number) => NoteTaken({ n: 1, text: 'x'.repeat(Math.round(length)) })

  for (const length of refused) {
    const neverAsked = { executeSql: () => Promise.reject(new Error('it was sent to the database')) }
    const publishing = opened.bus.publish(note(length), { tx: neverAsked })
    await expect(publishing).rejects.toMatchObject({ code: 'POSTBUS_TOO_LARGE' })
  }
  expect(await storedCounts(opened.database)).toEqual({ events: 0, deliveries: 0 })
  for (const length of accepted) await opened.bus.publish(note(length))
  await opened.bus.worker().drain()

  expect(arrived).toEqual(accepted.map(Math.round))
  await opened.close()
})
