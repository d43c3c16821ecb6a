/** `postbus doctor`: examines the database, the queues, the handlers and the workers. */
import type { DoctorFinding } from '../deliveries/operations.ts'
import { BUS_OPTIONS, DESCRIBE_BUS, DESCRIBE_JSON, JSON_OPTION, type Command, type Terminal } from './command.ts'
import { busFor } from './load-config.ts'
import { colored, count, printJson } from './output.ts'

const MARKS = { ok: ['✔', 'green'], warning: ['⚠', 'yellow'], problem: ['✖', 'red'] } as const

export const doctor: Command = {
  summary: 'Examine the database, the queues, the handlers and the workers.',
  examples: [
    ['postbus doctor', 'says what is right and what is not; exit code 3 if there are problems'],
    ['postbus doctor --deploy', 'run by the code to be deployed: also whether it can go on with everything that waits'],
    ['postbus doctor --json', 'the same for a program'],
  ],
  options: { ...BUS_OPTIONS, ...JSON_OPTION, deploy: { type: 'boolean' } },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    deploy:
      'Before a deploy: counts all that waits for handlers, event types and versions that this code does not have.',
  },

  async run(invocation) {
    const bus = await busFor(invocation)
    try {
      const findings = await bus.doctor({ deploy: invocation.options['deploy'] === true })
      if (invocation.options['json']) printJson(invocation.terminal, findings)
      else printFindings(invocation.terminal, findings)
      return findings.some((finding) => finding.status === 'problem') ? 3 : 0
    } finally {
      await bus.close()
    }
  },
}

function printFindings({ out }: Terminal, findings: readonly DoctorFinding[]): void {
  const width = Math.max(...findings.map((finding) => finding.check.length))
  for (const { check, status, message } of findings) {
    const [mark, color] = MARKS[status]
    out.write(`${colored(out, color, mark)} ${check.padEnd(width)}  ${message}\n`)
  }
  const problems = findings.filter((finding) => finding.status === 'problem').length
  const warnings = findings.filter((finding) => finding.status === 'warning').length
  out.write(`${count(problems, 'problem')}, ${count(warnings, 'warning')}\n`)
}
