/** Acts on one event: cancel it, replay it to a handler, erase its data. */
import { goesOn } from '../../record/event-status.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { asked, refused } from '../asked.ts'
import { choiceField } from '../parts/fields.ts'
import { count } from '../parts/number.ts'
import type { Visit } from '../visit.ts'
import type { Doing } from './doing.ts'

export const cancelEvent: Doing = {
  title: 'Cancel an event',
  button: 'Cancel it',
  async preview(visit, values) {
    const event = await eventOf(visit, values)
    return {
      says: `No handler gets ${nameOf(event)}, which was published for later.`,
      warns: 'It stays in the record. If it is due by then, nothing is cancelled.',
      count: 1,
    }
  },
  async run({ bus }, values, { act }) {
    const { isCancelled, count: done } = await bus.cancel(idOf(values), act)
    return isCancelled
      ? `It is cancelled, with ${count(done, 'delivery', 'deliveries')}.`
      : 'It was due already: too late.'
  },
}

export const redactEvent: Doing = {
  title: 'Redact an event',
  button: 'Erase its data',
  async preview(visit, values) {
    const event = await eventOf(visit, values)
    const { count: found } = await visit.bus.events.redact(event.id, { preview: true })
    if (found === 0) return { says: `The data of ${nameOf(event)} is erased already.`, count: 0 }
    return {
      says: `This erases the data and the metadata of ${nameOf(event)}, and the messages and stacks of its errors.`,
      warns: 'Nothing brings them back, but for your backups. Its id, type, key, times and history stay.',
      count: found,
      fields: choiceField({
        name: 'pending',
        label: 'Deliveries that still wait for it',
        value: 'dead-letter',
        options: [
          ['dead-letter', 'become dead letters that say so'],
          ['deliver', 'get what is left of it'],
        ],
      }),
    }
  },
  async run({ bus }, values, { act }) {
    const pending = values.get('pending') === 'deliver' ? 'deliver' : 'dead-letter'
    const { count: done } = await bus.events.redact(idOf(values), { ...act, pending })
    return done === 0 ? 'It was erased already.' : 'Its data is erased.'
  },
}

export const replayEvent: Doing = {
  title: 'Replay an event',
  button: 'Replay it',
  async preview(visit, values) {
    const event = await eventOf(visit, values)
    const handler = handlerOf(values)
    const problem = await whyNot(visit, event, handler)
    if (problem !== null) return { says: problem, count: 0 }
    return {
      says: `This gives ${nameOf(event)} to ${handler} again.`,
      warns: 'Other handlers get nothing. It takes its place in its key by the order of publishing.',
      count: 1,
    }
  },
  async run(visit, values, { act }) {
    const event = await eventOf(visit, values)
    const replay = await visit.bus.replay(onlyThis(event, handlerOf(values)), act)
    const { count: given } = await replay.done
    return given === 0 ? NOTHING_GIVEN : `${event.type} is given to ${replay.handler} again.`
  },
}

/** Reads only the millisecond of the log in which the event was published. */
function onlyThis(event: RecordedEvent, handler: string) {
  const since = event.publishedAt
  const until = new Date(since.getTime() + 1)
  return { handler, since, until, where: ({ id }: { readonly id: string }) => id === event.id }
}

const NOTHING_GIVEN = 'It was not given again: its delivery waits or runs anyway, or the handler is not interested.'

/** Says why a replay would give nothing, or `null`. A dry run would say it too, but it reads the log, which takes too long for a page. */
async function whyNot({ bus }: Visit, event: RecordedEvent, handler: string): Promise<string | null> {
  const [status, explained] = await Promise.all([bus.events.status(event.id), event.isRaw ? [] : bus.explain(event)])
  const listening = explained.find((one) => one.handler === handler)
  if (!event.isRaw && !listening?.interested) return `${handler} is not interested in this event: nothing to do.`
  const delivery = status?.deliveries.find((one) => one.handler === handler)
  const isOver = delivery === undefined || delivery.state === 'blocked' || !goesOn(delivery.state)
  return isOver ? null : `Its delivery to ${handler} is ${delivery.state}: nothing to do.`
}

async function eventOf({ bus }: Visit, values: URLSearchParams): Promise<RecordedEvent> {
  const event = await bus.events.get(idOf(values))
  if (event === null) throw refused('No event of this id is stored.')
  return event
}

function idOf(values: URLSearchParams): string {
  return asked(values, 'id') ?? ''
}

function handlerOf(values: URLSearchParams): string {
  const handler = asked(values, 'handler')
  if (handler === null) throw refused('Say which handler gets it.')
  return handler
}

function nameOf({ type, id }: RecordedEvent): string {
  return `${type} ${id}`
}
