/** The help texts. Examples first: most people look for a line to copy. */
import type { Command } from './command.ts'

export function overview(commands: Readonly<Record<string, Command>>): string {
  const names = Object.keys(commands)
  const width = Math.max(...names.map((name) => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return `Postbus: durable domain events on Postgres.

Examples
  postbus migrate             installs the schema and the queues
  postbus worker              runs handlers until stopped
  postbus doctor              says what is right and what is not
  postbus dead list           shows deliveries that died
  postbus explain TYPE        says who would receive an event

Commands
${lines.join('\n')}

postbus COMMAND --help shows a command's options. Exit codes: 0 ok, 1 failure, 2 usage, 3 checks found problems.
`
}

export function commandHelp(name: string, command: Command): string {
  const { examples, options, describe } = command
  const width = Math.max(...examples.map(([line]) => line.length))
  const exampleLines = examples.map(([line, does]) => `  ${line.padEnd(width)}  ${does}`)
  const optionLines = Object.entries(options).map(([option, { type, short }]) => {
    const form = `${short ? `-${short}, ` : ''}--${option}${type === 'string' ? ` ${option.toUpperCase()}` : ''}`
    return `  ${form.padEnd(22)}  ${describe[option] ?? ''}`
  })
  return `postbus ${name}: ${command.summary}

Examples
${exampleLines.join('\n')}

Options
${optionLines.join('\n')}
`
}
