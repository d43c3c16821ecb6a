/** The stored key of a lane: one handler's deliveries of one partition key. Names of handlers contain no colon. */
import type { LaneName } from './lanes.ts'

export function laneKey({ handler, partitionKey }: LaneName): string {
  return `${handler}:${partitionKey}`
}

/** The same in SQL. For an event without a partition key the lane key is null. */
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
