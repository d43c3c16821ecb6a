/** A test can drain a handler that reads the log like any other: no worker needs to read for it. */
import { afterEach, beforeAll, expect, test } from 'vitest'
import { Client } from 'pg'
import type { AnyHandler } from '../../../src/index.ts'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { anotherBus, handlerThat, NoteTaken } from '../../support/notes.ts'
import { emptyTables } from '../../support/stored.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

afterEach(() => emptyTables(opened.database))

test('a drain handles published events in order, and the next drain handles the events published since', async () => {
  const runs: number[] = []
  const bus = aBus(handlerThat((n) => runs.push(n), { delivery: 'log' }))
  await bus.publish([NoteTaken({ n: 1, key: 'red' }), NoteTaken({ n: 2, key: 'red' }), NoteTaken({ n: 3 })])

  expect(await drainEvents({ bus })).toMatchObject({ done: 3 })
  await bus.publish(NoteTaken({ n: 4, key: 'red' }))

  expect(await drainEvents({ bus })).toMatchObject({ done: 1 })
  expect(runs.filter((n) => n !== 3)).toEqual([1, 2, 4])
})

test('a drain with retries runs a failed event again', async () => {
  const attempts: number[] = []
  const bus = aBus(
    handlerThat(
      (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('not yet')
      },
      { delivery: 'log' },
    ),
  )
  await bus.publish(NoteTaken({ n: 1, key: 'red' }))

  expect(await drainEvents({ bus, withRetries: true })).toMatchObject({ done: 1, failed: 2 })
  expect(attempts).toEqual([1, 2, 3])
})

test('inside a transaction a drain handles events of that transaction, and a rollback undoes everything', async () => {
  const runs: number[] = []
  const bus = aBus(handlerThat((n) => runs.push(n), { delivery: 'log' }))
  const tx = new Client({ connectionString: opened.connectionString })
  tx.on('error', () => undefined)
  await tx.connect()
  await tx.query('begin')
  await bus.publish(NoteTaken({ n: 1, key: 'red' }), { tx })

  expect(await drainEvents({ bus, tx })).toMatchObject({ done: 1 })
  await tx.query('rollback')
  await tx.end()

  expect(await drainEvents({ bus })).toMatchObject({ done: 0 })
  expect(runs).toEqual([1])
})

function aBus(handler: AnyHandler) {
  return anotherBus(opened, [handler])
}
