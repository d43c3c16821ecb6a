/** What the backends without a database refuse. */
import { describe, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'

describe.each(['inline', 'mailbox'] as const)('%s', (backend) => {
  test('needs no connection string, and refuses what only a database can do', async () => {
    const bus = createBus({ backend, handlers: [] })
    const refused = { code: 'POSTBUS_NO_DATABASE', message: expect.stringContaining(`backend: 'postgres'`) }

    await expect(bus.ready()).resolves.toBeUndefined()
    expect(() => bus.worker()).toThrow(expect.objectContaining(refused))
    await expect(bus.migrate()).rejects.toMatchObject(refused)
    await expect(bus.doctor()).rejects.toMatchObject(refused)
    await expect(bus.backlog()).rejects.toMatchObject(refused)
    const { list, count, retry, dismiss } = bus.deadLetters
    for (const asked of [list(), count(), retry({ all: true }), dismiss({ all: true })]) {
      await expect(asked).rejects.toMatchObject(refused)
    }
    const lane = { handler: 'mail.receipt', partitionKey: 'order-17' }
    const { list: lanes, show, retry: retryHead, skipHead } = bus.lanes
    for (const asked of [lanes(), show(lane), retryHead(lane), skipHead(lane)]) {
      await expect(asked).rejects.toMatchObject(refused)
    }
  })
})
