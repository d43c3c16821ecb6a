/** The interface of everything that runs statements: our pool, one of its connections, or a caller's transaction. */
import type { CustomTypesConfig } from 'pg'

export interface Statement {
  readonly text: string
  readonly values?: unknown[]
  /** A short name for a statement that is sent often with the same text: it is prepared once for each connection. */
  readonly name?: string
  /** Rows as arrays of their columns. */
  readonly rowMode?: 'array'
  /** How the columns are parsed. Default: by `parsers.ts`. */
  readonly types?: CustomTypesConfig
}

/** The one thing most statements need. */
export interface Queryable {
  /** Runs a statement: its text with its values, or a {@link Statement}, which contains its `values`. */
  query<Row extends object>(statement: string | Statement, values?: unknown[]): Promise<{ rows: Row[] }>
}

/** Runs statements, each a transaction of its own, on any of several connections. */
export interface Database extends Queryable {
  /** Runs `work` in one transaction. What it throws rolls it back. */
  transaction<Result>(work: (within: Queryable) => Promise<Result>): Promise<Result>
}
