/** Lists handlers that listen to this event type and have not received the event, and says why. */
import type { DeliveryStatus } from '../../record/event-status.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import type { ExplainedHandler } from '../../deliveries/explain.ts'
import { PostbusError } from '../../errors.ts'
import { html, type Markup } from '../html.ts'
import type { Visit } from '../visit.ts'

const REASONS = {
  filtered: 'its function interested returns false for this event',
  failed: 'its function interested fails for this event',
  'other-version': 'it listens to another version of this event type',
} as const

export async function notReceivedPart(
  { bus }: Visit,
  event: RecordedEvent,
  deliveries: readonly DeliveryStatus[],
): Promise<Markup | ''> {
  const received = new Set(deliveries.map(({ handler }) => handler))
  const others = (await explained(bus, event)).filter(({ handler }) => !received.has(handler))
  if (others.length === 0) return ''
  return html`<h3>Not received by</h3>
    <ul>
      ${others.map((one) => html`<li>${one.handler}: ${whyNot(one)}</li>`)}
    </ul>`
}

function whyNot({ reason, options }: ExplainedHandler): string {
  if (reason !== null) return REASONS[reason]
  if (options.runs === 'in-transaction') return 'it ran inside the publish, which leaves nothing to show'
  if (options.delivery === 'log') return 'it reads the log, and leaves no delivery for what went well'
  return 'it would be interested today: it was added later, or its code has changed'
}

/** Asks the code of the handlers. If it cannot be asked, for example because the data cannot be decoded here, nothing is listed. */
async function explained(bus: Visit['bus'], event: RecordedEvent): Promise<readonly ExplainedHandler[]> {
  if (event.isRaw) return []
  try {
    return await bus.explain(event)
  } catch (error) {
    if (error instanceof PostbusError) return []
    throw error
  }
}
