/** Failing tests, seen from outside: vitest runs fixture files in a separate process. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { runVitest, type Ran } from './run-vitest.ts'

const lines = readFileSync('test/testing/fixtures/failing.fixture.ts', 'utf8').split('\n')

describe.each([[['--isolate']], [['--no-isolate', '--sequence.shuffle', '--sequence.seed=7']]])(
  'vitest with %s',
  (options) => {
    let ran: Ran

    beforeAll(async () => {
      ran = await runVitest('failing', 'next-file', 'a-mode', ...options)
    })

    test('only tests that left events unasserted fail, also among concurrent tests', () => {
      const failed = Object.entries(ran).filter(([, messages]) => messages.length > 0)

      expect(failed.map(([name]) => name).toSorted()).toEqual([
        'at the same time d',
        'fails twice: its own error comes first',
        'fails: another one expected',
        'fails: forgot to await',
        'fails: left in the middle',
        'fails: nobody asserted',
        'fails: published when the test was over',
        'fails: the mode of the file is strict',
      ])
      expect(Object.keys(ran)).toHaveLength(20)
    })

    test('a forgotten event fails the test with its data and its publishing line, which is also the frame', () => {
      const [message = ''] = messagesOf('fails: nobody asserted')

      expect(message).toContain('Unasserted events published in strict mode')
      expect(message).toMatch(
        new RegExp(
          `forgotten'.*\\n +Published at: checkout \\(.*failing\\.fixture\\.ts:${lineOf('published here')}:\\d+\\)`,
        ),
      )
      expect(message).toMatch(
        new RegExp(`\\n {4}at checkout \\(.*failing\\.fixture\\.ts:${lineOf('published here')}:\\d+\\)`),
      )
      expect(message).not.toMatch(/postbus\/src|\/src\/(bus|publisher)/)
    })

    test('a test that failed shows its own error first', () => {
      const [own = '', unasserted = ''] = messagesOf('fails twice: its own error comes first')

      expect(own).toContain('expected 1 to be 2')
      expect(unasserted).toContain('after all')
    })

    test('leaving strict mode in the middle fails on that line, once', () => {
      const messages = messagesOf('fails: left in the middle')

      expect(messages).toHaveLength(1)
      expect(frameOf(messages[0])).toContain(`failing.fixture.ts:${lineOf('left here')}`)
    })

    test('a failed assertion has its own line as the frame', () => {
      const [message = ''] = messagesOf('fails: another one expected')

      expect(message).toContain(`orderId: expected 'o2', got 'o1'`)
      expect(frameOf(message)).toContain(`failing.fixture.ts:${lineOf('asserted here')}`)
    })

    test('an assertion that waits but was not awaited fails with its line', () => {
      expect(messagesOf('fails: forgot to await')[0]).toContain(`failing.fixture.ts:${lineOf('waited here')}`)
    })

    function messagesOf(name: string): readonly string[] {
      return ran[name] ?? []
    }
  },
)

function lineOf(comment: string): number {
  return lines.findIndex((line) => line.includes(`// ${comment}`)) + 1
}

function frameOf(message: string | undefined): string {
  return message?.split('\n').find((line) => line.startsWith('    at ')) ?? ''
}
