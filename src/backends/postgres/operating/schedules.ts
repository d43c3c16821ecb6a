/** What `bus.schedules` needs from the database: the stored schedules, and the record of acts. */
import type { ScheduleStore, SchedulesParts } from '../../../deliveries/schedules.ts'
import { operating, type OperatorParts } from './operating.ts'

export function schedulesIn(
  { connection, tables }: Pick<OperatorParts, 'connection' | 'tables'>,
  store: ScheduleStore,
): Pick<SchedulesParts, 'stored' | 'note'> {
  const { look, actAtOnce } = operating(connection, tables)
  return {
    stored: () => look(async () => (await store.look()).schedules),
    note: (act, filter) => actAtOnce(act, filter, async () => 1),
  }
}
