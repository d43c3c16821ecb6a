/** Sums up all rounds of a question: a line per case, contestant and figure, and whether each goal was met. */
import type { FigureOf, Goal } from './question.ts'
import type { EntryRounds } from './rounds.ts'
import { summaryOf, type Summary } from './statistics.ts'

export interface CaseRounds {
  readonly name: string
  readonly entries: readonly EntryRounds[]
}

export interface Line {
  readonly case: string
  readonly contestant: string
  readonly figure: string
  /** The summary of the numbers of all rounds, or every text that was found. */
  readonly value: Summary | string
  /** The median divided by the median of the case's first contestant, which is ours. */
  readonly toOurs: number | null
}

export interface GoalReport {
  readonly says: string
  readonly goal: string
  /** In a file, null if nothing was measured. */
  readonly measured: number | null
  readonly met: boolean
}

export function linesOf(cases: readonly CaseRounds[]): readonly Line[] {
  return cases.flatMap(({ name, entries }) => entries.flatMap((entry) => linesOfEntry(name, entry, entries[0])))
}

function linesOfEntry(name: string, entry: EntryRounds, ours: EntryRounds | undefined): readonly Line[] {
  const figures = [...new Set(entry.rounds.flatMap((round) => Object.keys(round)))]
  return figures.map((figure) => {
    const value = valueOf(entry, figure)
    const base = ours && ours !== entry ? valueOf(ours, figure) : null
    const comparable = base !== null && typeof base !== 'string' && typeof value !== 'string'
    const toOurs = comparable ? value.median / base.median : null
    return { case: name, contestant: entry.contestant, figure, value, toOurs }
  })
}

function valueOf({ rounds }: EntryRounds, figure: string): Summary | string {
  const values = rounds.flatMap((round) => round[figure] ?? [])
  const texts = values.filter((value) => typeof value === 'string')
  if (texts.length > 0) return [...new Set(texts)].join(' or ')
  return summaryOf(values.filter((value) => typeof value === 'number'))
}

export function reportGoals(goals: readonly Goal[], lines: readonly Line[]): readonly GoalReport[] {
  const figure: FigureOf = (wanted) => {
    const line = lines.find(
      (one) => one.case === wanted.case && one.contestant === wanted.contestant && one.figure === wanted.figure,
    )
    return line && typeof line.value !== 'string' ? line.value.median : NaN
  }
  return goals.map(({ says, measured, atLeast, atMost }) => {
    const value = measured(figure)
    const met = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity)
    return { says, goal: atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`, measured: value, met }
  })
}
