/** The states of a delivery: one list of words for deliveries, filters and lanes. */

/**
 * - `waiting`: it is due, or will be due; no attempt has run yet.
 * - `running`: its handler is running.
 * - `retrying`: an attempt failed, and the next one waits for its backoff.
 * - `snoozed`: its handler returned `snooze(…)`; it comes again later.
 * - `parked`: it waits behind an earlier delivery of its partition key.
 * - `blocked`: it died, and holds its partition key until an operator acts.
 * - `awaiting`: its handler has started something, and waits to be told how that ended.
 * - `done`, `skipped`, `expired`, `superseded`, `cancelled`: it has ended, and will not run again.
 * - `dead`: it is tried again only if an operator says so.
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
