/** Keeps handlers within their pace, in all processes together: see `functions/pace.ts`. */
import type { AfterFailure, Granted, PaceStore } from '../../../deliveries/pace.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { withoutWaiting } from './durability.ts'

export function paceIn(connection: { pool(): Promise<Queryable> }, tables: Tables): PaceStore {
  const call = async <Row>(name: string, text: string, values: readonly unknown[]): Promise<Row | undefined> => {
    const { rows } = await (await connection.pool()).query<Row & object>({ name, text, values: [...values] })
    return rows[0]
  }
  return {
    async grant({ handler, wanted, everyMs, withinMs }) {
      const granted = await call<Granted>(
        'grant',
        withoutWaiting(
          `(select one.count, one.first_ms as "firstMs", one.next_ms as "nextMs" from ${functionName(tables, 'grant_attempts')}($1, $2, $3, $4) one)`,
        ),
        [handler, wanted, everyMs, withinMs],
      )
      return granted ?? { count: 0, firstMs: 0, nextMs: withinMs }
    },
    async circuitFailed({ handler, failures, perMs, pauseMs, reason }) {
      const after = await call<{ is: AfterFailure }>(
        'circuit-failed',
        `select ${functionName(tables, 'circuit_failed')}($1, $2, $3, $4, $5) as is`,
        [handler, failures, perMs, pauseMs, reason],
      )
      return after?.is ?? 'counted'
    },
    async circuitPassed(handler) {
      const passed = await call<{ was: boolean }>(
        'circuit-passed',
        `select ${functionName(tables, 'circuit_passed')}($1) as was`,
        [handler],
      )
      return passed?.was ?? false
    },
  }
}
