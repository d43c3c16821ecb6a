/** Records the exact times that the database grants to attempts of limited handlers, not the later times at which they begin. */
import type { Pool } from 'pg'

interface Moved {
  readonly before: number
  readonly next: number
  readonly at: number
}

/** Records each grant from now on. The returned function returns the granted times of a handler, in milliseconds, in order. */
export async function recordGrants(database: Pool) {
  await database.query(`
    create table granted (handler text, before float8, next float8, at float8);
    create function note_grant() returns trigger language plpgsql as $$ begin
      insert into public.granted values (new.handler, 1000 * extract(epoch from old.next_at), 1000 * extract(epoch from new.next_at),
        1000 * extract(epoch from clock_timestamp()));
      return null;
    end $$;
    create trigger note_grant after update of next_at on postbus.pace for each row when (new.next_at > old.next_at) execute function note_grant()`)
  return async (handler: string, everyMs: number): Promise<readonly number[]> => {
    const { rows } = await database.query<Moved>('select before, next, at from granted where handler = $1', [handler])
    return rows.flatMap((moved) => timesOf(moved, everyMs)).toSorted((one, other) => one - other)
  }
}

/** A grant moves the next time on by one step for each attempt: from where it was, or from the moment of the grant. */
function timesOf({ before, next, at }: Moved, everyMs: number): readonly number[] {
  const count = before >= at ? Math.round((next - before) / everyMs) : Math.ceil((next - at) / everyMs)
  return Array.from({ length: count }, (_, place) => next - (place + 1) * everyMs)
}

/** The largest number of these times within any period of `ms` milliseconds. */
export function mostWithin(times: readonly number[], ms: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + ms).length))
}
