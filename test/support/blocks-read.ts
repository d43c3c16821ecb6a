/** How many blocks a statement reads, of tables and of indexes, in memory or on the disk. Run the statement before: to make a plan reads blocks too. */
import type { ClientBase } from 'pg'

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: Readonly<Record<string, number>> }[]
}

export async function blocksRead(
  session: ClientBase,
  statement: string,
  values: readonly unknown[] = [],
): Promise<number> {
  const { rows } = await session.query<Explained>(`explain (analyze, buffers, format json) ${statement}`, [...values])
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan
  return (plan?.['Shared Hit Blocks'] ?? Number.NaN) + (plan?.['Shared Read Blocks'] ?? Number.NaN)
}
