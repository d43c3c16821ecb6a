import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { PostbusError } from '../../../src/errors.ts'
import { attemptError, storable } from '../../../src/attempt/attempt-error.ts'

const AT = new Date('2026-01-01T00:00:00Z')

describe('the stored form of an error', () => {
  test('has its message, its code, its stack and its time', () => {
    const error = new PostbusError('POSTBUS_CLAIM_LOST', 'It was lost.')

    const kept = attemptError(error, 3, AT)

    expect(kept).toEqual({
      attempt: 3,
      at: '2026-01-01T00:00:00.000Z',
      code: 'POSTBUS_CLAIM_LOST',
      message: 'It was lost.',
      stack: error.stack,
    })
  })

  test('has none of its other properties: they hold requests, rows and credentials', () => {
    const error = Object.assign(new Error('failed'), {
      config: { auth: 'hunter2' },
      detail: 'hunter2',
      errors: ['hunter2'],
    })

    const kept = attemptError(error, 1, AT)

    expect(Object.keys(kept)).toEqual(['attempt', 'at', 'code', 'message', 'stack'])
    expect(JSON.stringify(kept)).not.toContain('hunter2')
  })

  test('names the error’s class, unless it is a plain Error', () => {
    const messages = [new TypeError('of null'), new Error('of null')].map((error) => messageOf(error))

    expect(messages).toEqual(['TypeError: of null', 'of null'])
  })

  test('names up to three causes', () => {
    const causes = ['e', 'd', 'c', 'b'].reduce<unknown>((cause, message) => new Error(message, { cause }), 'f')

    const message = messageOf(new Error('a', { cause: causes }))

    expect(message).toBe('a ← b ← c ← d')
  })

  test('is finite when an error is its own cause', () => {
    const error = new Error('a')
    error.cause = error

    const message = messageOf(error)

    expect(message).toBe('a ← a ← a ← a')
  })

  test.each([
    [Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [Object.assign(new Error('no'), { code: 23_505 }), '23505'],
    [Object.assign(new Error('no'), { code: { nested: true } }), null],
    [Object.assign(new Error('no'), { code: undefined }), null],
    [Object.assign(new Error('no'), { code: 'X'.repeat(65) }), `${'X'.repeat(63)}…`],
    [new Error('no'), null],
    [{ code: 'E' }, null],
  ])('has the code of %s: %j', (error, expected) => {
    const { code } = attemptError(error, 1, AT)

    expect(code).toBe(expected)
  })

  test.each([
    ['text', 'text'],
    ['', ''],
    [undefined, ''],
    [null, 'Thrown: null'],
    [7, 'Thrown: 7'],
    [Symbol('odd'), 'Thrown: Symbol(odd)'],
    [{ a: 1 }, 'Thrown: [object Object]'],
    [Object.create(null), 'Thrown: a value that cannot be shown'],
  ])('has a text also when %s was thrown', (thrown, expected) => {
    const kept = attemptError(thrown, 1, AT)

    expect(kept).toMatchObject({ message: expected, code: null, stack: null })
  })
})

describe('an error made to break its readers', () => {
  const hostile = () => {
    throw new Error('trap')
  }

  test.each([
    ['its message throws', Object.defineProperty(new Error('no'), 'message', { get: hostile })],
    ['its stack throws', Object.defineProperty(new Error('no'), 'stack', { get: hostile }), 'no'],
    ['its cause throws', Object.defineProperty(new Error('no'), 'cause', { get: hostile }), 'no'],
    ['its code throws', Object.defineProperty(new Error('no'), 'code', { get: hostile }), 'no'],
    ['its toString throws', { toString: hostile }],
    ['its name is a symbol', Object.assign(new Error('no'), { name: Symbol('odd') })],
    ['its message is an object that cannot be text', Object.assign(new Error('no'), { message: Object.create(null) })],
  ])('is stored nevertheless: %s', (_, thrown, says = 'Thrown: a value that cannot be shown') => {
    const message = messageOf(thrown)

    expect(message).toBe(says)
  })

  test.each([
    ['a number for its message', Object.assign(new Error('no'), { message: 7 })],
    ['an object for its stack', Object.assign(new Error('no'), { stack: {} })],
  ])('is stored as text: %s', (_, thrown) => {
    const kept = attemptError(thrown, 1, AT)

    expect(typeof kept.message).toBe('string')
    expect(kept.stack === null || typeof kept.stack === 'string').toBe(true)
  })
})

describe('a secret', () => {
  test.each([
    ['postgres://shop:hunter2@db.local:5432/shop refused', 'postgres://shop:***@db.local:5432/shop refused'],
    ['amqp://:hunter2@mq', 'amqp://:***@mq'],
    ['postgres://a:hunter2@x and redis://b:hunter2@y', 'postgres://a:***@x and redis://b:***@y'],
    ['Bearer abcdefgh.hunter2', 'Bearer ***'],
    ['Basic aHVudGVyMg==', 'Basic ***'],
    ['authorization: bearer abc-hunter2', 'authorization: ***'],
    ['password=hunter2&user=shop', 'password=***&user=shop'],
    ['password = hunter2, user = shop', 'password = ***, user = shop'],
    ['PASSWORD: hunter2', 'PASSWORD: ***'],
    [`pwd='hunter2 hunter2'`, 'pwd=***'],
    ['{"password":"hunter2","user":"shop"}', '{"password":***,"user":"shop"}'],
    ['{"password" : "hunter2 hunter2"}', '{"password" : ***}'],
    ['{"token":hunter2}', '{"token":***}'],
    ['api_key=hunter2', 'api_key=***'],
    ['X-Api-Key: hunter2', 'X-Api-Key: ***'],
    ['secret=hunter2;', 'secret=***;'],
    ['postgres://shop:p@hunter2@db.local/shop', 'postgres://shop:***@db.local/shop'],
    ['PGPASSWORD=hunter2 DB_PASSWORD=hunter2', 'PGPASSWORD=*** DB_PASSWORD=***'],
    ['client_secret=hunter2&grant=code', 'client_secret=***&grant=code'],
    ['{"accessToken":"hunter2"}', '{"accessToken":***}'],
    ['{"password":"ab\\"hunter2","user":"shop"}', '{"password":***,"user":"shop"}'],
    ['{"body":"{\\"password\\":\\"hunter2\\"}"}', '{"body":"{\\"password\\":***}"}'],
    ['Authorization: Token hunter2', 'Authorization: ***'],
    ['private_key: hunter2', 'private_key: ***'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.hunter2', '***'],
  ])('is blacked out: %s', (text, expected) => {
    const clean = storable(text, 200)

    expect(clean).toBe(expected)
  })

  test('is blacked out in the message, the causes, the stack and the code', () => {
    const cause = new Error('postgres://shop:hunter2@db')
    const error = Object.assign(new Error('password=hunter2', { cause }), { code: 'token=hunter2' })

    const kept = attemptError(error, 1, AT)

    expect(JSON.stringify(kept)).not.toContain('hunter2')
  })

  test.each([
    'postgres://db.local:5432/shop',
    'the password is wrong',
    'a bearer of news',
    'at orders (file:///app/tokens.ts:12:30)',
    'https://example.com/a:b',
  ])('is not seen in ordinary text: %s', (text) => {
    const clean = storable(text, 200)

    expect(clean).toBe(text)
  })
})

describe('stored text', () => {
  test('has at most the allowed length, and shows where it was cut', () => {
    const cut = storable('x'.repeat(101), 100)

    expect(cut).toBe(`${'x'.repeat(99)}…`)
    expect(storable('x'.repeat(100), 100)).toBe('x'.repeat(100))
  })

  test('has at most 2,000 characters of a message and 4,000 of a stack', () => {
    const error = new Error('x'.repeat(10_000))

    const { message, stack } = attemptError(error, 1, AT)

    expect([message.length, stack?.length]).toEqual([2_000, 4_000])
  })

  test('is never cut inside a surrogate pair', () => {
    const cut = storable('😀'.repeat(10), 10)

    expect(cut.isWellFormed()).toBe(true)
  })

  test('shows NUL as text, and replaces lone surrogates', () => {
    const clean = storable('a\u0000b\ud800c', 100)

    expect(clean).toBe('a\\0b\ufffdc')
  })

  property.prop([
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 300 }),
    fc.integer({ min: 1, max: 200 }),
  ])('is a text that jsonb can hold, of the allowed length, for every given text', (text, maxLength) => {
    const clean = storable(text, maxLength)

    expect(clean.isWellFormed()).toBe(true)
    expect(clean).not.toContain('\u0000')
    expect(clean.length).toBeLessThanOrEqual(maxLength)
  })

  property.prop([fc.anything({ withNullPrototype: true, withDate: true, withMap: true, withSymbol: true } as never)])(
    'can be stored for every thrown value',
    (thrown) => {
      const kept = attemptError(thrown, 1, AT)

      const texts = [kept.message, kept.stack ?? '', kept.code ?? '']
      expect(texts.every((text) => text.isWellFormed() && !text.includes('\u0000'))).toBe(true)
    },
  )
})

function messageOf(error: unknown): string {
  return attemptError(error, 1, AT).message
}
