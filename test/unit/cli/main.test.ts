import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { postbus } from '../../support/cli.ts'

/** Runs `postbus` without a config file and without a database. */
const run = (...words: string[]) => postbus('', words, { config: null, cwd: tmpdir() })

describe.concurrent('the command line', () => {
  test.each([['--help'], ['-h'], ['help']])('%s prints the help, examples first, and exits with 0', async (word) => {
    const { code, out, err } = await run(word)

    expect(out).toMatch(/^Postbus: .+\n\nExamples\n {2}postbus migrate /)
    expect([code, err]).toEqual([0, ''])
  })

  test('without a command prints the help too, and exits with 2', async () => {
    const { code, out } = await run()

    expect(out).toContain('Examples')
    expect(code).toBe(2)
  })

  test.each([['worker'], ['dead']])('%s --help begins with examples and exits with 0', async (command) => {
    const { code, out } = await run(command, '--limit', '--help')

    expect(out).toMatch(new RegExp(`^postbus ${command}: .+\\n\\nExamples\\n {2}postbus ${command}`))
    expect(code).toBe(0)
  })

  test.each([
    [
      'an unknown command, with the nearest one',
      ['wroker'],
      'no command "wroker". Did you mean "worker"? See: postbus --help',
    ],
    ['an unknown command, without a guess', ['publish'], 'no command "publish". See: postbus --help'],
    ['a command that only objects have', ['constructor'], 'no command "constructor".'],
    ['an unknown option', ['migrate', '--force'], 'See: postbus migrate --help'],
    ['an option without its value', ['worker', '--queues'], 'See: postbus worker --help'],
    ['a word too many', ['migrate', 'now'], 'postbus migrate takes no "now".'],
    ['an action that does not exist', ['dead', 'revive'], 'dead revive: expected one of list, retry, dismiss.'],
    ['no action', ['dead'], 'expected one of list, retry, dismiss.'],
    ['nothing chosen', ['dead', 'dismiss', '--yes'], 'dead dismiss: say which: delivery ids, --handler NAME'],
    ['what is not a delivery id', ['dead', 'retry', 'o1'], '"o1" is not a delivery id.'],
    ['a limit that is none', ['dead', 'list', '--limit', '0'], '--limit 0: expected a whole number from 1 to 10,000.'],
    ['queues without numbers', ['worker', '--queues', 'events'], '--queues events: expected NAME=COUNT'],
    ['a queue for no handlers', ['worker', '--queues', 'events=0'], '--queues events=0: expected NAME=COUNT'],
    [
      'a grace period that is none',
      ['worker', '--grace-ms', 'soon'],
      '--grace-ms soon: expected milliseconds from 0 to 3,600,000.',
    ],
    [
      'a grace period that is too long',
      ['worker', '--grace-ms', '3600001'],
      '--grace-ms 3600001: expected milliseconds',
    ],
    ['a missing config file', ['doctor'], 'No config file: looked for postbus.config.ts,'],
    [
      'a config file that is not there',
      ['doctor', '--config', 'nowhere.ts'],
      'nowhere.ts. Name yours with --config FILE',
    ],
  ])('refuses %s, with one sentence on stderr and exit code 2', async (_, words, says) => {
    const { code, out, err } = await run(...words)

    expect(err).toContain(says)
    expect(err).not.toContain('    at ')
    expect([code, out]).toEqual([2, ''])
  })
})
