/** `npm run bench`: measures the named questions, or all, and prints and keeps the results. */
import { benchServer, type BenchServer } from './databases.ts'
import { writeDocuments } from './documents.ts'
import { benchOptions, HELP, type BenchOptions } from './options.ts'
import type { Question } from './question.ts'
import { questions } from './questions/index.ts'
import { currentLoad, machineOf, reportOf, writeReport, type QuestionReport } from './results.ts'
import { runInTurns } from './rounds.ts'
import type { CaseRounds } from './summary.ts'
import { printReport } from './table.ts'

async function main(options: BenchOptions): Promise<void> {
  if (options.help) return print(HELP)
  if (options.list) return print(questions.map(({ name, asks }) => `${name}: ${asks}\n`).join(''))

  const asked = questionsNamed(options.questions)
  const server = await benchServer()
  try {
    for (const question of asked) {
      const report = await ask(server, question, options)
      print(`${printReport(report)}\n\n`)
      if (isWhole(options)) say(`Written to ${writeReport(report)}.`)
    }
  } finally {
    await server.stop()
  }
  if (isWhole(options)) await writeDocuments()
}

/** How many entries a quick run measures; 2 for other questions. So each contestant is measured in at least one question. */
const QUICK_ENTRIES: Readonly<Record<string, number>> = { publish: 4, drain: 5 }

/** Only results with all cases of a question and with meaningful figures are kept and shown in the documentation. */
function isWhole(options: BenchOptions): boolean {
  return !options.quick && options.case === ''
}

async function ask(server: BenchServer, question: Question, options: BenchOptions): Promise<QuestionReport> {
  const [loadBefore, startedAt] = [currentLoad(), performance.now()]
  const rounds = options.rounds ?? question.rounds
  const cases: CaseRounds[] = []
  for (const { name, entries: all } of question.cases(options).filter((one) => one.name.includes(options.case))) {
    const entries = options.quick ? all.slice(0, QUICK_ENTRIES[question.name] ?? 2) : all
    say(`${question.name}: ${name}, ${rounds} rounds of ${entries.length}`)
    cases.push({ name, entries: await runInTurns(server, entries, rounds) })
  }
  return reportOf(
    question,
    commandOf(question, options),
    machineOf(server.which, { rounds, loadBefore, startedAt }),
    cases,
  )
}

/** The command that runs this question alone. */
function commandOf({ name }: Question, { full, rounds }: BenchOptions): string {
  return ['npm run bench --', name, ...(full ? ['--full'] : []), ...(rounds ? [`--rounds ${rounds}`] : [])].join(' ')
}

function questionsNamed(names: readonly string[]): readonly Question[] {
  const unknown = names.find((name) => !questions.some((question) => question.name === name))
  if (unknown === undefined) return names.length === 0 ? questions : questions.filter((one) => names.includes(one.name))
  throw new Error(`No question is named "${unknown}". There are: ${questions.map(({ name }) => name).join(', ')}.`)
}

function print(text: string): void {
  process.stdout.write(text)
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

await main(benchOptions(process.argv.slice(2)))
