/** Where a delivery stands: one list of words for a delivery's own state, for filters and for lanes. */

/**
 * - `waiting`: it is due, or will be; nothing has run yet.
 * - `running`: a handler is at it.
 * - `retrying`: an attempt failed, and the next one waits for its backoff.
 * - `snoozed`: its handler asked for it to come again later.
 * - `parked`: it waits behind an earlier delivery of its partition key.
 * - `blocked`: it died, and holds its partition key until an operator acts.
 * - `awaiting`: its handler has started something, and waits to be told how that ended.
 * - `done`, `skipped`, `expired`, `superseded`, `cancelled`: it has ended, and will not run again.
 * - `dead`: it will not be tried again unless an operator says so.
 */
export type DeliveryState =
  | 'waiting'
  | 'running'
  | 'retrying'
  | 'snoozed'
  | 'parked'
  | 'blocked'
  | 'awaiting'
  | 'done'
  | 'skipped'
  | 'expired'
  | 'superseded'
  | 'cancelled'
  | 'dead'
