/**
 * The parts of a benchmark: a question has cases, a case has entries that are measured in turns, and each measurement yields
 * figures. The first entry of a case is ours; the others are compared with it.
 */
import type { Slices } from './slices.ts'

/** The results of one measurement, by the name of the figure. A text is for a result that is not a number, such as an order. */
export type Figures = Readonly<Record<string, number | string>>

/** A database of its own for one measurement, or for the state that measurements start from. */
export interface BenchDatabase {
  readonly connectionString: string
}

export interface Entry {
  /** The name of the contestant that is measured. Unique within a case. */
  readonly contestant: string
  /** How the contestant was set up: everything that a sceptical reader would ask about. */
  readonly configuration: string
  /** The name of the state that each measurement starts from. Entries of a case with the same name share one prepared database. */
  readonly state: string
  /**
   * `fresh`, the default: ANALYZE runs after `prepare`, so that Postgres plans with correct statistics. `as prepared`: it does
   * not run.
   */
  readonly statistics?: 'fresh' | 'as prepared'
  /** Brings a database into that state. Not timed, and done once per case. */
  prepare(database: BenchDatabase): Promise<void>
  /**
   * An entry that yields is measured in slices: at each `yield` the next entry of the case goes on, in a database of its own. So all of
   * them share the moments at which a machine is slow.
   */
  measure(database: BenchDatabase): Promise<Figures> | Slices<Figures>
}

export interface Case {
  readonly name: string
  readonly entries: readonly Entry[]
}

/** Looks up the median of a figure of a case over all rounds. */
export type FigureOf = (wanted: { case: string; contestant: string; figure: string }) => number

export interface Goal {
  readonly says: string
  /** Computes the goal's number from the medians of this run. NaN if it was not measured. */
  measured(figure: FigureOf): number
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Extent {
  /** A run in seconds that shows that everything works. Its figures mean nothing. */
  readonly quick: boolean
  /** Also measures cases that take many minutes. */
  readonly full: boolean
}

export interface Question {
  readonly name: string
  readonly asks: string
  /** Rounds, unless the command line says otherwise. */
  readonly rounds: number
  /** Facts that a reader needs to understand the figures. */
  readonly notes: readonly string[]
  /** The figures that are drawn. Default: none. */
  readonly chart?: readonly string[]
  cases(extent: Extent): readonly Case[]
  readonly goals: readonly Goal[]
}
