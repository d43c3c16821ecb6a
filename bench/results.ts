/** A question's results as they are kept: every round, what they come to, and the machine. */
import { mkdirSync, writeFileSync } from 'node:fs'
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
  readonly at: string
}

export interface QuestionReport {
  readonly question: string
  readonly asks: string
  readonly notes: readonly string[]
  readonly machine: Machine
  readonly cases: readonly CaseRounds[]
  readonly lines: readonly Line[]
  readonly goals: readonly GoalReport[]
}

export function reportOf(question: Question, machine: Machine, cases: readonly CaseRounds[]): QuestionReport {
  const { name, asks, notes, goals } = question
  const lines = linesOf(cases)
  return { question: name, asks, notes, machine, cases, lines, goals: reportGoals(goals, lines) }
}

export function machineOf(postgres: string, loadBefore: number): Machine {
  const load = `${loadBefore.toFixed(1)} before, ${currentLoad().toFixed(1)} after`
  const cpu = cpus()[0]?.model.trim() ?? 'unknown'
  return { postgres, node: process.versions.node, cores: cpus().length, cpu, load, at: new Date().toISOString() }
}

export function currentLoad(): number {
  return loadavg()[0] ?? NaN
}

/** Answers where it was written. */
export function writeReport(report: QuestionReport): string {
  mkdirSync(folder, { recursive: true })
  const file = resolve(folder, `${report.question}.json`)
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  return relative(process.cwd(), file)
}
