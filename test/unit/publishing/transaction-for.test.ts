import { expect, test } from 'vitest'
import { transactionFor, type AmbientTransaction } from '../../../src/publishing/transaction-for.ts'
import { refusalOf } from '../refusal.ts'

const tx = { executeSql: async () => ({ rows: [] }) }
const around = { executeSql: async () => ({ rows: [] }) }
const NOWHERE: AmbientTransaction = { requireTransaction: false }
const INSIDE: AmbientTransaction = { requireTransaction: true, currentTransaction: () => around }

const found = (options: object, ambient: AmbientTransaction) =>
  transactionFor(options, ambient, { call: found, named: 'publish()' })

test('a publish uses the given transaction, else the surrounding one, else none', () => {
  expect([found({ tx }, NOWHERE), found({ tx }, INSIDE), found({}, INSIDE), found({}, NOWHERE)]).toEqual([
    tx,
    tx,
    around,
    undefined,
  ])
})

test("tx: 'own' is a separate transaction, also inside another one, and where one is required", () => {
  expect([found({ tx: 'own' }, INSIDE), found({ tx: 'own' }, { requireTransaction: true })]).toEqual([
    undefined,
    undefined,
  ])
})

test.each([undefined, null])('a surrounding transaction of %s counts as none', (nothing) => {
  const ambient = { currentTransaction: () => nothing }

  expect(found({}, { ...ambient, requireTransaction: false })).toBeUndefined()
  const refusal = refusalOf(() => found({}, { ...ambient, requireTransaction: true }))
  expect(refusal.code).toBe('POSTBUS_TRANSACTION_REQUIRED')
  expect(refusal.message).toContain('transaction-for.test.ts:')
})

test('an error of `currentTransaction` is thrown unchanged', () => {
  const thrown = new Error('no store')
  const currentTransaction = () => {
    throw thrown
  }

  expect(() => found({}, { requireTransaction: false, currentTransaction })).toThrow(thrown)
})

test.each([
  ['an undefined tx', { tx: undefined }],
  ['the transaction itself', new Map()],
  ['null', null],
])('options are refused when they are %s, because the publish would be outside the transaction', (_, options) => {
  const refusal = refusalOf(() => found(options as never, INSIDE))

  expect(refusal.code).toBe('POSTBUS_NOT_A_TRANSACTION')
})
