/**
 * The front of a queue: the deliveries that are due, most urgent first. There are two kinds of deliveries in it, each with an index of its own:
 *
 *   fresh      never tried, due at once; in the order in which they were written
 *   returning  due at a time of their own (retry, snooze, given back, taken over, promoted); in the order of these times
 *
 * So a million that wait for their backoff cost a claim nothing. If no delivery returns, and no marks are asked for, one look at the
 * fresh deliveries finds the front. Otherwise each priority has its turn: first its returning deliveries, then its fresh ones.
 */
import type { Tables } from '../schema/tables.ts'
import { PRIORITIES } from './marks.ts'
import { FRESH, RETURNING } from './sql.ts'

/** The variables that `collecting` needs, in addition to the variables of marks. */
export const FRONT_VARIABLES = `
  is_mixed boolean;
  fresh timestamptz[];
  back timestamptz[];`

export interface Collected {
  /** SQL: how many rows to look at. */
  readonly look: string
  /** Columns of `job` to collect, each with the array variable that takes it. The first array is counted. */
  readonly columns: readonly { readonly column: string; readonly into: string }[]
  /** A further condition. */
  readonly and?: string
}

/** SQL: locks and collects up to `look` rows of the front. It empties the arrays first. */
export function collecting(tables: Tables, { look, columns, and = '' }: Collected): string {
  const arrays = columns.map(({ into }) => into)
  const due = `job.start_after <= ${tables.jobNow} ${and}`
  const selected = columns.map(({ column }, place) => `${column} as c${place}`).join(', ')
  const appended = arrays.map((array, place) => `${array} || array_agg(candidate.c${place})`).join(', ')
  const append = (rows: string) => `select ${appended} into ${arrays.join(', ')} from (${rows}
        for update skip locked
      ) candidate;`
  const missing = `${look} - coalesce(cardinality(${arrays[0]}), 0)`
  const atLevel = 'job.priority = 1 - n'
  // A priority that no handler of ours can have was set by hand. Such deliveries are few, so they need no marks.
  const outside = (priority: string) =>
    [
      [RETURNING, 'start_after'],
      [FRESH, 'created_on'],
    ]
      .map(
        ([kind, time]) => `if ${missing} > 0 then
        ${append(`select ${selected} from ${tables.delivery} job
        where ${kind} and job.name = of_queue and ${priority} and ${due}
        order by job.name, job.priority desc, job.${time} limit ${missing}`)}
      end if;`,
      )
      .join('\n      ')
  return `${arrays.map((array) => `${array} := null;`).join(' ')}
    look_began := clock_timestamp();
    if not is_mixed then
      ${append(`select ${selected} from ${tables.delivery} job
        where ${FRESH} and job.name = of_queue and ${due}
        order by job.name, job.priority desc, job.created_on limit ${look}`)}
    else
      ${lookingAtLevels(tables, and)}
      ${outside('job.priority > 0')}
      for n in 1 .. ${PRIORITIES} loop
        exit when ${missing} <= 0;
        if back[n] <= ${tables.jobNow} then
          ${append(`select ${selected} from ${tables.delivery} job
        where ${RETURNING} and job.name = of_queue and ${atLevel} and job.start_after >= back[n] and ${due}
        order by job.name, job.priority desc, job.start_after limit ${missing}`)}
        end if;
        if fresh[n] is not null and ${missing} > 0 then
          ${append(`select ${selected} from ${tables.delivery} job
        where ${FRESH} and job.name = of_queue and ${atLevel} and job.created_on >= fresh[n] and ${due}
        order by job.name, job.priority desc, job.created_on limit ${missing}`)}
        end if;
      end loop;
      ${outside(`job.priority <= ${-PRIORITIES}`)}
    end if;`
}

/** SQL: sets `is_mixed` if one look at the fresh deliveries would miss something. Ask it once, before the first look. */
export function askingForMixture(tables: Tables): string {
  return `is_mixed := marks is not null or exists (
    select from ${tables.delivery} job where ${RETURNING} and job.name = of_queue
    order by job.name, job.priority desc, job.start_after limit 1
  );`
}

/**
 * SQL: finds the first row of each kind and priority, from its mark on, whether it is due or not. It takes no lock, so that it also
 * sees rows that another claim has locked: they may be free again if that claim rolls back.
 */
function lookingAtLevels(tables: Tables, and: string): string {
  const first = (kind: string, time: string, mark: string) => `left join lateral (
        select job.${time} as at from ${tables.delivery} job
        where ${kind} and job.name = of_queue and job.priority = (1 - level.n)::integer and job.${time} >= ${mark} ${and}
        order by job.name, job.priority desc, job.${time} limit 1
      )`
  return `select array_agg(one_fresh.at), array_agg(one_back.at) into fresh, back
      from unnest(floors[1:${PRIORITIES}], floors[${PRIORITIES + 1}:${2 * PRIORITIES}]) with ordinality as level (fresh, back, n)
      ${first(FRESH, 'created_on', 'level.fresh')} one_fresh on true
      ${first(RETURNING, 'start_after', 'level.back')} one_back on true;
      if first_fresh is null then
        first_fresh := fresh;
        first_back := back;
      end if;`
}
