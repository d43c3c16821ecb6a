/** What the functions that settle take, as text. */
import type { Settlement } from '../../../deliveries/delivery.ts'

/** An array as Postgres reads it. Ids and numbers need no quotes. */
export function arrayOf(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`
}

/** Those that are not done, with what is to be written about them. */
export function othersOf(settlements: readonly Settlement[], inLanes: boolean): string | null {
  const others = settlements.filter(({ is }) => is !== 'done')
  return others.length === 0 ? null : JSON.stringify(others.map((other) => rowOf(other, inLanes)))
}

function rowOf(settlement: Settlement, inLanes: boolean) {
  return {
    id: settlement.delivery.id,
    claim: settlement.delivery.claim,
    outcome: settlement.is,
    delay_ms: 'delayMs' in settlement ? settlement.delayMs : 0,
    error: 'error' in settlement ? settlement.error : null,
    passed_as: 'as' in settlement ? settlement.as : null,
    reason: 'reason' in settlement ? settlement.reason : null,
    blocks: settlement.is === 'dead' && settlement.onDead === 'block' && inLanes,
  }
}
