/**
 * The function that claims from a queue without keys: takes what is due, most urgent first, but of no handler more than has
 * free slots. What it has to pass over for that is set aside (see `set-aside.ts`).
 */
import { isComing } from './coming.ts'
import { LIMIT_VARIABLES, LONGEST_LOOK, probing, readingLimits, settingAside, sortingOut } from './set-aside.ts'
import {
  activated,
  DELIVERY,
  DELIVERY_COLUMNS,
  FIXED_PLAN,
  functionName,
  itsEvent,
  NO_DELIVERY,
  QUEUE_ORDER,
  type QueueParts,
} from './sql.ts'

export function claimFunction(parts: QueueParts): string {
  const { table, tables, queue } = parts
  const front = (columns: string) => `
      select ${columns} from ${table} job
      where job.name = '${queue}' and job.state < 'active' and not job.blocked and job.start_after <= ${tables.jobNow}
      order by job.name, job.priority desc, job.created_on
      limit wanted
      for update skip locked`
  const claimChosen = `if chosen is not null then
      return query
        with ${activated(parts, 'chosen')}
        select ${DELIVERY}, null::boolean, null::text[], null::boolean from activated ${itsEvent(parts)} ${QUEUE_ORDER};
      wanted := wanted - cardinality(chosen);
    end if;`
  return `
create or replace function ${functionName(parts, 'claim')}(wanted integer, limits jsonb) returns table (${DELIVERY_COLUMNS},
    more boolean, held_back text[], coming boolean
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  looked integer := 0;
  candidates tid[];
  names text[];
  coming boolean := ${isComing(parts)};${LIMIT_VARIABLES}
begin
  ${readingLimits(parts)}
  ${probing(parts)}
  if found then
    ${takingBack(parts, true)}
    ${claimChosen}
  end if;

  if handlers is null and wanted > 0 then
    select array_agg(candidate.row) into chosen from (${front('job.ctid as row')}
    ) candidate;
    ${claimChosen}
  end if;
  while handlers is not null and wanted > 0 and looked < ${LONGEST_LOOK} loop
    select array_agg(candidate.row), array_agg(candidate.handler) into candidates, names
    from (${front(`job.ctid as row, job.data ->> 'handler' as handler`)}
    ) candidate;
    chosen := null;
    aside := null;
    for i in 1 .. coalesce(cardinality(candidates), 0) loop
      ${sortingOut('candidates[i]', 'names[i]')}
    end loop;
    ${settingAside(parts, 'aside')}
    looked := case when aside is not null and cardinality(candidates) = wanted then looked + cardinality(candidates) end;
    ${claimChosen}
  end loop;

  if passed_over and wanted > 0 then
    ${takingBack(parts, false)}
    ${claimChosen}
  end if;
  if looked >= ${LONGEST_LOOK} or full_up is not null or coming and wanted > 0 then
    return query select ${NO_DELIVERY}, looked >= ${LONGEST_LOOK}, full_up, coming;
  end if;
end
$function$`
}

/** Takes back what was set aside, and may run now. */
function takingBack(parts: QueueParts, againstFront: boolean): string {
  return `chosen := null;
    for one in select * from ${functionName(parts, 'set_aside')}(wanted, handlers, free, ${againstFront}) loop
      if one.row is not null then
        ${sortingOut('one.row', 'one.handler')}
      end if;
      if one.held_back then full_up := full_up || one.handler; end if;
      passed_over := coalesce(passed_over, false) or one.passed_over;
    end loop;`
}
