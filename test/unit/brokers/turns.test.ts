/** Turns: the order in which items begin, with any concurrency, and by key. */
import { expect, test } from 'vitest'
import { Turns } from '../../../src/brokers/turns.ts'

test('by default no item begins before the previous one has ended', async () => {
  const { turns, began, end } = aCrew(1)
  for (const item of ['a1', 'b1', 'a2']) turns.add(item)

  expect(began).toEqual(['a1'])
  await end('a1')
  expect(began).toEqual(['a1', 'b1'])
  await end('b1')
  await end('a2')
  expect(began).toEqual(['a1', 'b1', 'a2'])
  expect(turns.count).toBe(0)
})

test('items of one key begin one after the other, and items of other keys pass them', async () => {
  const { turns, began, end } = aCrew(2)
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1']) turns.add(item)

  expect(began).toEqual(['a1', 'b1'])
  await end('b1')
  expect(began).toEqual(['a1', 'b1', 'c1'])
  await end('a1')
  expect(began).toEqual(['a1', 'b1', 'c1', 'a2'])
})

test('items without a key wait only for a free place', async () => {
  const { turns, began, end } = aCrew(2)
  for (const item of ['-1', '-2', '-3']) turns.add(item)

  expect(began).toEqual(['-1', '-2'])
  await end('-2')
  expect(began).toEqual(['-1', '-2', '-3'])
})

test('items that have not begun can be removed, and the end of the others can be awaited', async () => {
  const { turns, began, end } = aCrew(1)
  for (const item of ['a1', 'a2']) turns.add(item)
  expect(turns.items()).toEqual(['a1', 'a2'])

  expect(turns.clear()).toEqual(['a2'])
  const ended = turns.ended()
  await end('a1')
  await ended

  expect(began).toEqual(['a1'])
  expect(turns.items()).toEqual([])
})

/** An item is named by its key, a letter, and a number. `-` means no key. */
function aCrew(concurrency: number) {
  const began: string[] = []
  const ends = new Map<string, () => void>()
  const turns = new Turns<string>({
    concurrency,
    keyOf: (item) => (item.startsWith('-') ? null : item.slice(0, 1)),
    run: (item) => {
      began.push(item)
      return new Promise<void>((resolve) => ends.set(item, resolve))
    },
  })
  return {
    turns,
    began,
    async end(item: string) {
      ends.get(item)?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
