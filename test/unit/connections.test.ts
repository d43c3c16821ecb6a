/** The parsers that turn values from Postgres into values for our own statements, and the names of prepared statements. */
import { describe, expect, test } from 'vitest'
import { OWN_TYPES } from '../../src/backends/postgres/connections/parsers.ts'
import { preparedStatements } from '../../src/backends/postgres/connections/prepared-statements.ts'

const parse = (type: number, text: string): unknown => OWN_TYPES.getTypeParser(type, 'text')(text)

describe('parsers', () => {
  test.each([
    ['2026-01-02 03:04:05+00', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02 03:04:05.678901+05:45', '2026-01-01T21:19:05.678Z'],
    ['1890-01-02 03:04:05+05:30:20', '1890-01-01T21:34:05.000Z'],
    ['12026-01-02 03:04:05-08', '+012026-01-02T11:04:05.000Z'],
  ])('the time %s is %s', (text, time) => {
    expect((parse(1184, text) as Date).toISOString()).toBe(time)
  })

  test.each([['infinity'], ['-infinity'], ['0044-03-15 12:00:00+00 BC'], ['02.01.2026 03:04:05 CET']])(
    '%s has no date, and becomes an invalid Date',
    (text) => {
      expect((parse(1184, text) as Date).getTime()).toBeNaN()
    },
  )

  test.each([
    [1009, '{}', []],
    [1009, '{a,"b, c",NULL,"NULL","say \\"\\\\\\"",""}', ['a', 'b, c', null, 'NULL', 'say "\\"', '']],
    [1007, '{1,-2,NULL}', [1, -2, null]],
    [
      1007,
      '{{1,2},{3,4}}',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [1007, '[0:1]={1,2}', [1, 2]],
    [1000, '{t,f}', [true, false]],
    [3807, '{"{\\"a\\": [1]}"}', [{ a: [1] }]],
  ])('an array of type %d, %s, is read element by element', (type, text, expected) => {
    expect(parse(type, text)).toEqual(expected)
  })

  test('a bigint stays text, and so does a value of an unknown type', () => {
    expect(parse(20, '9007199254740993')).toBe('9007199254740993')
    expect(parse(600, '(1,2)')).toBe('(1,2)')
  })
})

describe('prepared statements', () => {
  test('another text gets another name, so that a session never runs a statement that another program has prepared', () => {
    const prepared = preparedStatements(true)
    const [one, other] = ['select 1', 'select 2'].map((text) => prepared.nameOf({ name: 'claim', text }))

    expect(one).toMatch(/^postbus_claim_[0-9a-f]{16}$/)
    expect(other).not.toBe(one)
    expect(preparedStatements(true).nameOf({ name: 'claim', text: 'select 1' })).toBe(one)
  })

  test('a large number of queues does not fill the memory of each session', () => {
    const prepared = preparedStatements(true)
    const names = Array.from({ length: 1_000 }, (_, n) => prepared.nameOf({ name: 'claim', text: `select ${n}` }))

    expect(names.filter((name) => name !== undefined)).toHaveLength(256)
    expect(prepared.nameOf({ name: 'claim', text: 'select 0' })).toBe(names[0])
  })
})
