/** A question's results as they are kept: every round, the summary of all rounds, and the machine. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { relative, resolve } from 'node:path'
import type { Question } from './question.ts'
import { linesOf, reportGoals, type CaseRounds, type GoalReport, type Line } from './summary.ts'

const folder = resolve(import.meta.dirname, 'results')

interface Machine {
  readonly postgres: string
  readonly node: string
  readonly cores: number
  readonly cpu: string
  /** Load average of the last minute, before and after. */
  readonly load: string
  readonly rounds: number
  readonly tookSeconds: number
  readonly at: string
}

export interface QuestionReport {
  readonly question: string
  /** The command line of the run. */
  readonly command?: string
  readonly asks: string
  readonly notes: readonly string[]
  readonly machine: Machine
  readonly cases: readonly CaseRounds[]
  readonly lines: readonly Line[]
  readonly goals: readonly GoalReport[]
  /** The figures that are drawn. */
  readonly chart?: readonly string[]
}

export function reportOf(
  question: Question,
  command: string,
  machine: Machine,
  cases: readonly CaseRounds[],
): QuestionReport {
  const { name, asks, notes, goals, chart = [] } = question
  const lines = linesOf(cases)
  return { question: name, command, asks, notes, machine, cases, lines, goals: reportGoals(goals, lines), chart }
}

export interface Run {
  readonly rounds: number
  readonly loadBefore: number
  readonly startedAt: number
}

export function machineOf(postgres: string, { rounds, loadBefore, startedAt }: Run): Machine {
  return {
    postgres,
    node: process.versions.node,
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    load: `${loadBefore.toFixed(1)} before, ${currentLoad().toFixed(1)} after`,
    rounds,
    tookSeconds: (performance.now() - startedAt) / 1_000,
    at: new Date().toISOString(),
  }
}

export function currentLoad(): number {
  return loadavg()[0] ?? NaN
}

/** Returns the path of the written file. */
export function writeReport(report: QuestionReport): string {
  mkdirSync(folder, { recursive: true })
  const file = fileOf(report.question)
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  return relative(process.cwd(), file)
}

/** Returns the results of the last run, or null if there was none. */
export function readReport(question: string): QuestionReport | null {
  const file = fileOf(question)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

function fileOf(question: string): string {
  return resolve(folder, `${question}.json`)
}
