/** Delayed events in the modes of the testing kit. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import { assertEventPublished, setEventBusMode } from '../../src/testing/index.ts'
import { aBus, ParcelSent } from './shop.ts'

const bus = aBus()

test.each(['mailbox', 'strict'] as const)(
  'in %s mode an event that is published for later has its due time',
  async (mode) => {
    setEventBusMode(mode)
    const at = new Date(Date.now() + 3_600_000)
    await bus.publish(ParcelSent({ lines: [] }), { at })
    await bus.publish(ParcelSent({ lines: [] }))

    expect([assertEventPublished(ParcelSent).dueAt, assertEventPublished(ParcelSent).dueAt]).toEqual([at, undefined])
  },
)
