/** A connection that is opened on first use: once for all concurrent users, and again after it was lost or could not be opened. */
import { expect, test } from 'vitest'
import { LazyConnection } from '../../../src/brokers/lazy-connection.ts'
import { unlessAborted } from '../../../src/brokers/unless-aborted.ts'

test('concurrent users get the same connection, and a lost connection is opened again', async () => {
  const { place, opened } = aPlace()
  const [one, other] = await Promise.all([place.get(), place.get()])
  opened[0]?.lose()
  const next = await place.get()

  expect(one).toBe(other)
  expect(next).not.toBe(one)
  expect(opened).toHaveLength(2)
})

test('after a failed connect the next user tries again', async () => {
  let tries = 0
  const place = new LazyConnection(async () => {
    tries += 1
    if (tries === 1) throw new Error('not yet')
    return { close: async () => undefined }
  })

  await expect(place.get()).rejects.toThrow('not yet')
  await expect(place.get()).resolves.toBeDefined()
})

test('the connection is closed once, and opened again for later messages', async () => {
  const { place, opened } = aPlace()
  await place.close()
  await place.get()
  await place.close()
  await place.close()
  await place.get()

  expect(opened.map(({ closed }) => closed)).toEqual([1, 0])
})

test('losing an old connection keeps the new one', async () => {
  const { place, opened } = aPlace()
  await place.get()
  await place.close()
  const next = await place.get()
  opened[0]?.lose()

  expect(await place.get()).toBe(next)
})

test('waiting ends when the signal is aborted', async () => {
  const over = new AbortController()
  const waiting = unlessAborted(over.signal, new Promise<never>(() => undefined))
  over.abort(new Error('the time is up'))

  await expect(waiting).rejects.toThrow('the time is up')
  await expect(unlessAborted(over.signal, Promise.resolve(1))).rejects.toThrow('the time is up')
  await expect(unlessAborted(new AbortController().signal, Promise.resolve(1))).resolves.toBe(1)
})

function aPlace() {
  const opened: { closed: number; lose: () => void }[] = []
  const place = new LazyConnection(async (lose) => {
    const about = { closed: 0, lose }
    opened.push(about)
    return { close: async () => void (about.closed += 1) }
  })
  return { place, opened }
}
