/**
 * The function that claims from a queue without keys: takes deliveries that are due, most urgent first, but for no handler more than it has
 * free slots. Deliveries that it passes over for that reason are set aside (see `set-aside.ts`).
 *
 * In the row of a delivery, `more` means that its last claim was lost. In the row without a delivery, it means that there may be
 * more to claim.
 */
import type { Tables } from '../schema/tables.ts'
import { beginning, CLAIM_VARIABLES } from './claim-start.ts'
import { isComing } from './coming.ts'
import { askingForMixture, collecting } from './front.ts'
import { movingMarks, timingLook } from './marks.ts'
import { FORGETTING_PAUSED } from './pauses.ts'
import { LONGEST_LOOK, settingAside, sortingOut, takenBack } from './set-aside.ts'
import { makingRoom, SIZE_COLUMN } from './sizes.ts'
import {
  activated,
  DELIVERY,
  DELIVERY_COLUMNS,
  FIXED_PLAN,
  functionName,
  HANDLER,
  itsEvent,
  NO_DELIVERY,
  QUEUE_ORDER,
} from './sql.ts'

const WAS_LOST = 'activated.was_lost, null::text[], null::boolean, null::boolean, null::text'

export function claimFunction(tables: Tables): string {
  const claimChosen = `if chosen is not null then
      return query
        with ${activated(tables, 'chosen')}
        select ${DELIVERY}, ${WAS_LOST} from activated ${itsEvent(tables)} ${QUEUE_ORDER};
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;`
  return `
create or replace function ${functionName(tables, 'claim_2')}(of_queue text, wanted integer, limits jsonb, marks jsonb, room bigint, shadows text[])
returns table (${DELIVERY_COLUMNS},
    more boolean, held_back text[], coming boolean, slow boolean, marks_now text
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  looked integer := 0;
  wrote boolean := false;
  candidates tid[];
  names text[];
  coming boolean := ${isComing(tables, 'of_queue')};${CLAIM_VARIABLES}
begin
  ${beginning(tables)}
  if found then
    ${takingBack(tables, true)}
    ${claimChosen}
  end if;

  if wanted > 0 then
    ${askingForMixture(tables)}
  end if;
  if handlers is null and wanted > 0 then
    ${collecting(tables, {
      look: 'wanted',
      columns: [
        { column: 'job.ctid', into: 'chosen' },
        { column: SIZE_COLUMN, into: 'sizes' },
      ],
    })}
    ${timingLook('coalesce(cardinality(chosen), 0)')}
    ${makingRoom(['chosen'])}
    ${claimChosen}
  end if;
  while handlers is not null and wanted > 0 and not is_full and looked < ${LONGEST_LOOK} loop
    ${collecting(tables, {
      look: 'wanted',
      columns: [
        { column: 'job.ctid', into: 'candidates' },
        { column: HANDLER, into: 'names' },
        { column: SIZE_COLUMN, into: 'sizes' },
      ],
    })}
    ${timingLook('coalesce(cardinality(candidates), 0)')}
    ${makingRoom(['candidates', 'names'])}
    chosen := null;
    aside := null;
    for i in 1 .. coalesce(cardinality(candidates), 0) loop
      ${sortingOut('candidates[i]', 'names[i]')}
    end loop;
    ${settingAside(tables, 'aside')}
    wrote := wrote or aside is not null;
    looked := case when aside is not null and cardinality(candidates) = wanted then looked + cardinality(candidates) end;
    ${claimChosen}
  end loop;

  if passed_over and wanted > 0 and not is_full then
    ${takingBack(tables, false)}
    ${claimChosen}
  end if;
  ${movingMarks('wrote')}
  ${FORGETTING_PAUSED}
  if looked >= ${LONGEST_LOOK} or is_full or full_up is not null or coming and wanted > 0 or is_slow or marks is not null then
    return query select ${NO_DELIVERY}, looked >= ${LONGEST_LOOK} or is_full, full_up, coming and wanted > 0, is_slow, marks::text;
  end if;
end
$function$`
}

/** SQL: chooses deliveries that were set aside and may run now. */
function takingBack(tables: Tables, againstFront: boolean): string {
  return `chosen := null;
    look_began := clock_timestamp();
    for one in select * from ${takenBack(tables, `${againstFront}`)} loop
      if one.row is not null then
        ${sortingOut('one.row', 'one.handler')}
      end if;
      if one.held_back then full_up := full_up || one.handler; end if;
      passed_over := coalesce(passed_over, false) or one.passed_over;
    end loop;
    ${timingLook('coalesce(cardinality(chosen), 0)')}`
}
