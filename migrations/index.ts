/**
 * The history of the schema `postbus`, oldest first. A migration that has been released is never changed; the next one
 * corrects it. Migrations only add, so that the previous release keeps working until it is replaced.
 */
import type { Migration } from 'kysely/migration'
import { events } from './0001-events.ts'
import { deadLetters } from './0002-dead-letters.ts'
import { workers } from './0003-workers.ts'
import { publish } from './0004-publish.ts'
import { laneSweeps } from './0005-lane-sweeps.ts'
import { pruning } from './0006-pruning.ts'
import { history } from './0007-history.ts'
import { trace } from './0008-trace.ts'
import { record } from './0009-record.ts'
import { acts } from './0010-acts.ts'
import { replays } from './0011-replays.ts'
import { finish } from './0012-finish.ts'
import { retention } from './0013-retention.ts'
import { handlerMinutes } from './0014-handler-minutes.ts'
import { logHandlers } from './0015-log-handlers.ts'
import { pace } from './0016-pace.ts'
import { broadcasts } from './0017-broadcasts.ts'
import { onTime } from './0018-on-time.ts'
import { schedules } from './0019-schedules.ts'
import { completions } from './0020-completions.ts'
import { registry } from './0021-registry.ts'
import { workerSlots } from './0022-worker-slots.ts'
import { deliveryChanges } from './0023-delivery-changes.ts'
import { logEngine } from './0024-log-engine.ts'
import type { SchemaNames } from './schema-names.ts'

export function migrations(names: SchemaNames): Record<string, Migration> {
  return {
    '0001-events': events(names),
    '0002-dead-letters': deadLetters(names),
    '0003-workers': workers(names),
    '0004-publish': publish(names),
    '0005-lane-sweeps': laneSweeps(names),
    '0006-pruning': pruning(names),
    '0007-history': history(names),
    '0008-trace': trace(names),
    '0009-record': record(names),
    '0010-acts': acts(names),
    '0011-replays': replays(names),
    '0012-finish': finish(names),
    '0013-retention': retention(names),
    '0014-handler-minutes': handlerMinutes(names),
    '0015-log-handlers': logHandlers(names),
    '0016-pace': pace(names),
    '0017-broadcasts': broadcasts(names),
    '0018-on-time': onTime(names),
    '0019-schedules': schedules(names),
    '0020-completions': completions(names),
    '0021-registry': registry(names),
    '0022-worker-slots': workerSlots(names),
    '0023-delivery-changes': deliveryChanges(names),
    '0024-log-engine': logEngine(names),
  }
}
