/** Shadows of renamed and older events: the visible fields and the fetched event have the same name and version as the whole event would have. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  shadow,
  type AnyHandler,
  type Bus,
  type ShadowEvent,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { anOrderOf, receiptOf, SEEN, V3 } from '../support/order-versions.ts'
import { emptyTables } from '../support/stored.ts'

let shop: TestBus
const opened: Bus[] = []

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  return async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close())))
})

test('an old event is shown in the version that the handler lists, and fetched through its upcasts', async () => {
  const seen: object[] = []
  const receipt = defineHandler('mail.receipt', {
    on: shadow(V3),
    async handle(event) {
      const { version, data } = await event.fetch()
      seen.push({ shown: event.version, version, data })
    },
  })
  await busWith(receiptOf(1, [])).publish(anOrderOf[1]())

  await drained(busWith(receipt))

  expect(seen).toEqual([{ shown: 3, ...SEEN[3] }])
})

test('a renamed handler of a renamed type is still a shadow: its data is not read before it is fetched', async () => {
  const schema = z.object({ text: z.string() })
  const Old = defineEvent('docs.made', { schema })
  const New = defineEvent('docs.written', { schema, previousNames: ['docs.made'] })
  const seen: object[] = []
  async function note(event: ShadowEvent<string, number, { text: string }>) {
    await shop.database.query(`update postbus.event set payload = '{"json":{"text":"later"}}'`)
    const { type, data } = await event.fetch()
    seen.push({ shown: event.type, type, data })
  }
  await busWith(defineHandler('search.add', { on: shadow(Old), handle: () => undefined })).publish(
    Old({ text: 'first' }),
  )

  await drained(
    busWith(defineHandler('search.index', { on: shadow(New), previousNames: ['search.add'], handle: note })),
  )

  expect(seen).toEqual([{ shown: 'docs.written', type: 'docs.written', data: { text: 'later' } }])
})

function busWith(...handlers: AnyHandler[]): Bus {
  const bus = createBus({ connectionString: shop.connectionString, handlers, onSignal: () => undefined })
  opened.push(bus)
  return bus
}
