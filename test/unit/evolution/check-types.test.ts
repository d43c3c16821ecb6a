/** The findings of `types check` when code has changed since a snapshot, and the fixes that it suggests. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, upcast, type AnyEventType, type AnyHandler } from '../../../src/index.ts'
import { checkTypes } from '../../../src/evolution/check-types.ts'
import { parseSnapshot, snapshotOf, snapshotText } from '../../../src/evolution/snapshot.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { refusalOf } from '../refusal.ts'

const schema = z.object({ orderId: z.string() })
const handle = () => undefined
const V1 = defineEvent('orders.placed', { schema })
const V2 = defineEvent('orders.placed', { schema, version: 2, upcasts: { 1: upcast(V1, (data) => data) } })
const V3 = defineEvent('orders.placed', {
  schema,
  version: 3,
  upcasts: { 1: (v1) => v1, 2: upcast(V2, (data) => data) },
})
const onV2 = defineHandler('mail.receipt', { on: V2, handle })

interface Code {
  readonly events?: readonly AnyEventType[]
  readonly handlers?: readonly AnyHandler[]
}

/** The breaking findings of the change from `before` to `now`, each with its fix. */
function broken(before: Code, now: Code) {
  return checked(before, now)
    .findings.filter(({ is }) => is === 'breaks')
    .map(({ about, what, mend }) => `${about}: ${what}. ${mend}`)
}

function checked(before: Code, now: Code) {
  return checkTypes(snapshot(before), createRegistry(now.handlers ?? [], now.events ?? []))
}

/** The snapshot, as it is read from its file. */
function snapshot({ events = [], handlers = [] }: Code) {
  return parseSnapshot(snapshotText(snapshotOf(createRegistry(handlers, events))), 'postbus-types.json')
}

describe('breaks', () => {
  const renamed = (...previousNames: string[]) => defineEvent('sales.placed', { schema, previousNames })
  const named = (name: string, ...previousNames: string[]) => defineHandler(name, { on: V1, handle, previousNames })
  const moved = defineHandler('mail.receipt', { on: V1, handle, queue: 'mail' })
  const shortened = defineEvent('orders.placed', { schema, version: 3, upcasts: { 2: upcast(V2, (data) => data) } })

  test.each<readonly [string, Code, Code, RegExp]>([
    ['a required field added', { events: [V1] }, { events: [withTotal(1)] }, /total is new and required.*version to 2/],
    ['a type removed', { events: [V1] }, {}, /orders\.placed: is gone.*previousNames: \['orders\.placed'\]/],
    ['a type renamed without its name', { events: [V1] }, { events: [renamed()] }, /orders\.placed: is gone/],
    [
      'a first name that is no longer first',
      { events: [renamed('orders.placed')] },
      { events: [renamed('orders.made', 'orders.placed')] },
      /was stored as "orders\.placed".*Put 'orders\.placed' first/,
    ],
    ['a version lowered', { events: [V2] }, { events: [V1] }, /had version 2, and has 1 at most now/],
    [
      'a version raised without an upcast',
      { events: [V1] },
      { events: [defineEvent('orders.placed', { schema, version: 2 })] },
      /no upcast from version 1 to 2.*upcasts: \{ 1: \(v1\) => … \}/,
    ],
    ['an upcast removed', { events: [V2] }, { events: [shortened] }, /version 1 can no longer be read.*from version 1/],
    ['a handler removed', { handlers: [onV2] }, { events: [V2] }, /handler mail\.receipt: is gone.*doctor --deploy/],
    [
      'a handler renamed without its name',
      { handlers: [named('a')] },
      { handlers: [named('b')] },
      /handler a: is gone/,
    ],
    [
      'a first name of a handler that is no longer first',
      { handlers: [named('b', 'a')] },
      { handlers: [named('c', 'b', 'a')] },
      /was stored as "a", and is stored as "b" now/,
    ],
    [
      'a handler that no longer listens',
      { handlers: [named('a')] },
      { events: [V1], handlers: [defineHandler('a', { on: 'stock.*', handle })] },
      /handler a: can no longer read orders\.placed version 1/,
    ],
    [
      'a queue that no handler uses',
      { handlers: [moved] },
      { handlers: [named('mail.receipt')] },
      /uses mail any more/,
    ],
  ])('%s', (_, before, now, expected) => {
    expect(broken(before, now).join('\n')).toMatch(expected)
  })
})

describe('fits', () => {
  test.each<readonly [string, Code, Code]>([
    ['nothing changed', { handlers: [onV2] }, { handlers: [onV2] }],
    ['a version raised with its upcasts', { handlers: [onV2] }, { handlers: [{ ...onV2, ...receiptOn(V3) }] }],
    ['another field in a new version', { events: [V1] }, { events: [withTotal(2)] }],
    ['an old version listed beside a new one', { handlers: [receiptOn(V1)] }, { handlers: [receiptOn([V1, bare(2)])] }],
    [
      'a type and a handler renamed with their names',
      { handlers: [receiptOn(V1)] },
      {
        handlers: [
          defineHandler('post.receipt', {
            on: defineEvent('sales.placed', { schema, previousNames: ['orders.placed'] }),
            previousNames: ['mail.receipt'],
            handle,
          }),
        ],
      },
    ],
    ['types and handlers that come', {}, { handlers: [onV2] }],
  ])('%s', (_, before, now) => {
    expect(broken(before, now)).toEqual([])
  })

  test('a compatible change asks for a new snapshot, and no change does not', () => {
    const outdated = [checked({}, { handlers: [onV2] }), checked({ handlers: [onV2] }, { handlers: [onV2] })]

    expect(outdated.map(({ isOutdated }) => isOutdated)).toEqual([true, false])
  })
})

test('the order of definitions and of fields does not change a snapshot', () => {
  const one = defineEvent('stock.counted', { schema: z.object({ a: z.string(), b: z.date() }) })
  const other = defineEvent('stock.counted', { schema: z.object({ b: z.date(), a: z.string() }) })

  expect(snapshotText(snapshot({ events: [V2, V1, one] }))).toBe(snapshotText(snapshot({ events: [other, V1, V2] })))
})

test.each(['', '{', '[]', '{"snapshot":2}', '{"snapshot":1,"eventTypes":[{}],"handlers":[]}'])(
  'a file without a snapshot is refused: %s',
  (text) => {
    const error = refusalOf(() => parseSnapshot(text, 'postbus-types.json'))

    expect(error.code).toBe('POSTBUS_INVALID_SNAPSHOT')
    expect(error.message).toMatch(/^postbus-types\.json: [\s\S]*npx postbus types snapshot/)
  },
)

function withTotal(version: number): AnyEventType {
  const upcasts = version === 2 ? { 1: () => ({ orderId: '', total: 0 }) } : {}
  return defineEvent('orders.placed', { version, schema: schema.extend({ total: z.number() }), upcasts })
}

function bare(version: number): AnyEventType {
  return defineEvent('orders.placed', { version, schema })
}

function receiptOn(on: AnyEventType | readonly AnyEventType[]): AnyHandler {
  return defineHandler('mail.receipt', { on, handle })
}
