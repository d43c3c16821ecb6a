/** An expensive answer is fetched once for all visitors, and a page does not wait for it while an older answer exists. */
import { expect, test } from 'vitest'
import { remembered } from '../../../src/ui/remembered.ts'

const AT_ONCE = { freshMs: 0, waitMs: 1 }
const LONG = { freshMs: 60_000, waitMs: 10_000 }

test('ten visitors at the same time cause one fetch, and see the same answer', async () => {
  let asked = 0
  const look = remembered(async () => (asked += 1), LONG)

  const seen = await Promise.all(Array.from({ length: 10 }, look))

  expect(seen.map((one) => one?.value)).toEqual(Array.from({ length: 10 }, () => 1))
  expect(asked).toBe(1)
})

test('the older answer is shown while a new one is fetched', async () => {
  const answers = [Promise.resolve('old'), new Promise<string>(() => undefined)]
  const look = remembered(() => answers.shift() ?? Promise.reject(new Error('asked too often')), AT_ONCE)

  const seen = [await look(), await look(), await look()]

  expect(seen.map((one) => one?.value)).toEqual(['old', 'old', 'old'])
})

test('an answer that is too old is not shown', async () => {
  const answers = [Promise.resolve('old'), new Promise<string>(() => undefined)]
  const look = remembered(() => answers.shift() ?? Promise.reject(new Error('asked too often')), {
    ...AT_ONCE,
    keepMs: -1,
  })

  expect([(await look())?.value, await look()]).toEqual(['old', null])
})

test('a page does not wait when there is no answer yet', async () => {
  const look = remembered(() => new Promise<string>(() => undefined), AT_ONCE)

  expect(await look()).toBeNull()
})

test('an error is shown to all visitors, also to visitors who come a moment later', async () => {
  const look = remembered(() => Promise.reject(new Error('no database')), LONG)

  await expect(look()).rejects.toThrow('no database')
  await expect(look()).rejects.toThrow('no database')
})
