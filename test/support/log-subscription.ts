/** A handler's subscription to the log. By default it has one shard, and is not changing. */
import type { LogSubscription } from '../../src/deliveries/log-reading.ts'

export function subscriptionOf(given: Partial<LogSubscription> = {}): LogSubscription {
  return {
    handler: 'notes.take',
    shards: 1,
    historyTo: 0,
    historyId: '',
    mode: 'log',
    isChanging: false,
    floors: null,
    zoneFrom: null,
    zoneTo: null,
    endsAt: null,
    isReleasing: false,
    ...given,
  }
}
