/** Time as this process sees it. Claims, retries and heartbeats use the database's clock instead; see `design`. */

/** The current time. */
export function now(): Date {
  return new Date()
}
