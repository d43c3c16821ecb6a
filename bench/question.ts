/**
 * What a benchmark is made of: a question has cases, a case has entries that are measured in turns, and each measurement
 * yields figures. The first entry of a case is ours; the others are compared with it.
 */

/** What one measurement found, by the name of the figure. Text is for what cannot be counted, such as an order. */
export type Figures = Readonly<Record<string, number | string>>

/** A database of its own for one measurement, or for the state that measurements start from. */
export interface BenchDatabase {
  readonly connectionString: string
}

export interface Entry {
  /** Who is measured. Unique within a case. */
  readonly contestant: string
  /** How it was set up: everything that someone who doubts the figure would ask. */
  readonly configuration: string
  /** The state that each measurement starts from. Entries of a case that name the same one share what was prepared. */
  readonly state: string
  /**
   * `fresh`, the default: all plan with statistics of what is there. `as prepared`: no ANALYZE runs after
   * `prepare`.
   */
  readonly statistics?: 'fresh' | 'as prepared'
  /** Brings a database into that state. Not timed, and done once per case. */
  prepare(database: BenchDatabase): Promise<void>
  measure(database: BenchDatabase): Promise<Figures>
}

export interface Case {
  readonly name: string
  readonly entries: readonly Entry[]
}

/** A figure of a case, taken over all rounds: the median, or the text. */
export type FigureOf = (wanted: { case: string; contestant: string; figure: string }) => number

export interface Goal {
  readonly says: string
  /** What the goal is about, from medians of this one run. NaN if it was not measured. */
  measured(figure: FigureOf): number
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Extent {
  /** A run in seconds that shows that everything works. Its figures mean nothing. */
  readonly quick: boolean
  /** Also what takes many minutes. */
  readonly full: boolean
}

export interface Question {
  readonly name: string
  readonly asks: string
  /** Rounds, unless the command line says otherwise. */
  readonly rounds: number
  /** What a reader has to know to read the figures. */
  readonly notes: readonly string[]
  /** The figures that are drawn. Default: none. */
  readonly chart?: readonly string[]
  cases(extent: Extent): readonly Case[]
  readonly goals: readonly Goal[]
}
