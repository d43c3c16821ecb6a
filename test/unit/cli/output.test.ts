import { PassThrough } from 'node:stream'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import type { Terminal } from '../../../src/cli/command.ts'
import { count, oneLine, printJson, printTable, say } from '../../../src/cli/output.ts'

describe('text from events and errors', () => {
  test.each([
    ['a\nb\r\n\tc', 'a b c'],
    ['a\u001b[2Jb', 'a [2Jb'],
    ['a\u0000\u007f\u009bb', 'a b'],
    ['plain – text', 'plain – text'],
  ])('becomes one line, without characters that could move the cursor: %j', (text, expected) => {
    const line = oneLine(text)

    expect(line).toBe(expected)
  })

  test('has at most 80 characters by default, and shows where it was cut', () => {
    const lines = [oneLine('x'.repeat(80)), oneLine('x'.repeat(81)), oneLine('abcdef', 5)]

    expect(lines).toEqual(['x'.repeat(80), `${'x'.repeat(79)}…`, 'abcd…'])
  })

  property.prop([fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 })])(
    'never holds a control character, and is never too long',
    (text, maxLength) => {
      const line = oneLine(text, maxLength)

      expect(line).not.toMatch(/\p{Cc}/u)
      expect(line.length).toBeLessThanOrEqual(maxLength)
    },
  )
})

describe('a command', () => {
  test('prints JSON as one object per line on stdout', () => {
    const { terminal, out, err } = aTerminal()

    printJson(terminal, [{ a: 'x\ny' }, { b: 2 }])

    expect([out(), err()]).toEqual(['{"a":"x\\ny"}\n{"b":2}\n', ''])
  })

  test('prints messages on stderr', () => {
    const { terminal, out, err } = aTerminal()

    say(terminal, 'Nothing to do.')

    expect([out(), err()]).toEqual(['', 'Nothing to do.\n'])
  })

  test('prints a table with columns as wide as their widest cells, without trailing spaces', () => {
    const { terminal, out } = aTerminal()

    printTable(
      terminal.out,
      ['NAME', 'N'],
      [
        ['orders', '1'],
        ['a', ''],
      ],
    )

    expect(out()).toBe('NAME    N\norders  1\na\n')
  })

  test.each([
    [0, '0 problems'],
    [1, '1 problem'],
    [1_204, '1,204 problems'],
  ])('counts %d as %s', (number, expected) => {
    const counted = count(number, 'problem')

    expect(counted).toBe(expected)
  })

  test('takes an irregular plural', () => {
    const counted = [count(1, 'delivery', 'deliveries'), count(2, 'delivery', 'deliveries')]

    expect(counted).toEqual(['1 delivery', '2 deliveries'])
  })
})

/** A terminal made of two pipes, from which the test reads. */
function aTerminal() {
  const [outStream, errStream] = [new PassThrough(), new PassThrough()]
  const read = (stream: PassThrough) => () => String(stream.read() ?? '')
  const terminal = { out: outStream, err: errStream, in: process.stdin } as unknown as Terminal
  return { terminal, out: read(outStream), err: read(errStream) }
}
