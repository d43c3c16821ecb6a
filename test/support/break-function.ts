/** Breaks a function of the database on purpose, to check that a test notices. */
import type { Queryable } from '../../src/backends/postgres/connection.ts'

export interface Break {
  readonly piece: string | RegExp
  readonly replacement: string
}

/** Replaces a piece of a function's text, as `String.replace` does. Throws when the function does not contain it. */
export async function breakFunction(database: Queryable, name: string, { piece, replacement }: Break): Promise<void> {
  const { rows } = await database.query<{ text: string | null }>('select pg_get_functiondef(to_regproc($1)) as text', [
    name,
  ])
  const text = rows[0]?.text ?? ''
  const broken = text.replace(piece, replacement)
  if (broken === text) throw new Error(`${name} does not contain ${String(piece)}, so it cannot be broken there.`)
  await database.query(broken)
}
