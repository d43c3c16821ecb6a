/** Writes the arguments of the functions that settle, as text. */
import type { Settlement } from '../../../deliveries/delivery.ts'

/** An array in the text form of Postgres. Ids, numbers and names of handlers need no quotes. */
export function arrayOf(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`
}

/** The settlements that are not `done`, with the values to write for each. */
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
