import { describe, expect, test } from 'vitest'
import type { Command } from '../../../src/cli/command.ts'
import { dead } from '../../../src/cli/dead.ts'
import { doctor } from '../../../src/cli/doctor.ts'
import { commandHelp, overview } from '../../../src/cli/help.ts'
import { migrate } from '../../../src/cli/migrate.ts'
import { worker } from '../../../src/cli/worker.ts'

const COMMANDS: Readonly<Record<string, Command>> = { dead, doctor, migrate, worker }

describe('the overview', () => {
  test('begins with examples, then lists every command with its purpose', () => {
    const lines = overview(COMMANDS).split('\n')

    expect(lines.indexOf('Examples')).toBe(2)
    const listed = lines.slice(lines.indexOf('Commands') + 1, lines.indexOf('', lines.indexOf('Commands')))
    const expected = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(7)}  ${summary}`)
    expect(listed).toEqual(expected)
  })

  test('explains the exit codes', () => {
    const text = overview(COMMANDS)

    expect(text).toContain('Exit codes: 0 ok, 1 failure, 2 usage, 3 checks found problems.')
  })
})

describe.each(Object.entries(COMMANDS))('the help of %s', (name, command) => {
  test('begins with its purpose, and with examples that name the command', () => {
    const [title, , heading, ...lines] = commandHelp(name, command).split('\n')

    expect(title).toBe(`postbus ${name}: ${command.summary}`)
    expect(heading).toBe('Examples')
    expect(lines.slice(0, command.examples.length).every((line) => line.startsWith(`  postbus ${name}`))).toBe(true)
  })

  test('describes every option of the command, and no other', () => {
    const options = Object.keys(command.options)

    expect(Object.keys(command.describe).toSorted()).toEqual(options.toSorted())
    expect(Object.values(command.describe).every((line) => line.length > 0)).toBe(true)
  })

  test('shows which options take a value, and the short form', () => {
    const text = commandHelp(name, command)

    for (const [option, { type, short }] of Object.entries(command.options)) {
      const form = `${short ? `-${short}, ` : ''}--${option}${type === 'string' ? ` ${option.toUpperCase()}` : ''}`
      expect(text).toMatch(new RegExp(`^ {2}${form} {2,}\\S`, 'm'))
    }
  })
})
