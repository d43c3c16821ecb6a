/** Reads which dead letters an address or a form selects. */
import type { DeadLetterFilter } from '../../deliveries/dead-letters.ts'
import { asked, field, refused } from '../asked.ts'

export function letterFilterOf(values: URLSearchParams): DeadLetterFilter {
  return {
    ...field(values, 'handler', 'handler'),
    ...field(values, 'type', 'eventType'),
    ...field(values, 'error', 'error'),
  }
}

/**
 * The same for an action, which may also name single dead letters. An empty filter means all of them only together with `all=yes`, so that a form
 * in which nothing was chosen does not act on all.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when nothing is named.
 */
export function chosenLetters(values: URLSearchParams): DeadLetterFilter {
  const deliveryIds = values.getAll('id').filter((id) => id !== '')
  const filter = { ...(deliveryIds.length > 0 && { deliveryIds }), ...letterFilterOf(values) }
  if (Object.keys(filter).length > 0 || asked(values, 'all') === 'yes') return filter
  throw refused('No dead letter was chosen. Go back, and choose at least one.')
}
