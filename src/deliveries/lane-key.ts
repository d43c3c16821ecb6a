/** The key of a lane, as it is stored: one handler's deliveries of one partition key. Handlers' names hold no colon. */
import type { LaneName } from './lanes.ts'

export function laneKey({ handler, partitionKey }: LaneName): string {
  return `${handler}:${partitionKey}`
}

/** The same in SQL. The key of an event without one is null, and so is its lane. */
export function laneKeyInSql(handler: string, partitionKey: string): string {
  return `${handler} || ':' || ${partitionKey}`
}

/** The handler of a stored lane key, in SQL. */
export function handlerOfLane(lane: string): string {
  return `split_part(${lane}, ':', 1)`
}

/** The partition key of a stored lane key, in SQL. */
export function partitionKeyOfLane(lane: string): string {
  return `substr(${lane}, strpos(${lane}, ':') + 1)`
}
