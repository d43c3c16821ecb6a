/** Begins, pauses, resumes and cancels replays; the preview says how many events a replay gives. */
import type { ReplayPreview, ReplayProgress } from '../../deliveries/replays.ts'
import { asked, field, refused, timeField } from '../asked.ts'
import { count } from '../parts/number.ts'
import type { Visit } from '../visit.ts'
import type { Doing } from './doing.ts'

export const beginReplay: Doing = {
  title: 'Begin a replay',
  button: 'Begin',
  async preview({ bus }, values) {
    const query = replayOf(values)
    const found = await bus.replay({ ...query, dryRun: true })
    const details = inWords(found)
    if (found.count === 0) return { says: `There is nothing to replay to ${query.handler}. ${details}`, count: 0 }
    return {
      says: `This gives ${count(found.count, 'stored event')} to ${query.handler} again.`,
      warns: `${details} It runs in the process of this page; if that ends, the replay can be resumed where it was.`,
      count: found.count,
    }
  },
  async run({ bus }, values, { act }) {
    const replay = await bus.replay(replayOf(values), act)
    return `Replay ${replay.id} has begun.`
  },
}

export const pauseReplay: Doing = {
  title: 'Pause a replay',
  button: 'Pause',
  preview: (visit, values) => about(visit, values, 'gives no more events until it is resumed'),
  async run({ bus }, values, { act }) {
    await bus.replays.pause(idOf(values), act)
    return 'The replay is paused. What its handler was given runs on.'
  },
}

export const resumeReplay: Doing = {
  title: 'Resume a replay',
  button: 'Resume',
  preview: (visit, values) => about(visit, values, 'goes on where it was, in the process of this page'),
  async run({ bus }, values, { act }) {
    await bus.replays.resume(idOf(values), act)
    return 'The replay goes on.'
  },
}

export const cancelReplay: Doing = {
  title: 'Cancel a replay',
  button: 'Cancel it for good',
  preview: (visit, values) => about(visit, values, 'gives no more events, for good'),
  async run({ bus }, values, { act }) {
    await bus.replays.cancel(idOf(values), act)
    return 'The replay is cancelled. What its handler was given runs on.'
  },
}

async function about(visit: Visit, values: URLSearchParams, what: string) {
  const { handler, count: given, matching, examined } = await replayNamed(visit, values)
  return {
    says: `The replay to ${handler} ${what}.`,
    warns: `It has looked at ${examined.toLocaleString('en')} of ${count(matching, 'event')}, and given ${count(given, 'event')} to its handler.`,
    count: 1,
  }
}

async function replayNamed({ bus }: Visit, values: URLSearchParams): Promise<ReplayProgress> {
  const found = await bus.replays.get(idOf(values))
  if (found === null) throw refused('There is no replay of this id.')
  return found
}

function replayOf(values: URLSearchParams) {
  const handler = asked(values, 'handler')
  if (handler === null) throw refused('Say which handler gets the events.')
  const types = listed(asked(values, 'type'))
  const partitionKeys = listed(asked(values, 'key'))
  const rate = asked(values, 'rate')
  return {
    handler,
    ...(types.length > 0 && { types }),
    ...(partitionKeys.length > 0 && { partitionKeys }),
    ...timeField(values, 'since'),
    ...timeField(values, 'until'),
    ...(rate !== null && { ratePerSecond: Number(rate) }),
  }
}

/** Several values are separated by commas. */
function listed(text: string | null): readonly string[] {
  return (text ?? '').split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]))
}

function inWords({ matching, retried, skipped }: ReplayPreview): string {
  return [
    `${count(matching, 'stored event')} ${matching === 1 ? 'matches' : 'match'}.`,
    retried > 0 ? `${count(retried, 'dead letter')} of it would be retried.` : '',
    skipped > 0 ? `${count(skipped, 'event')} would be passed over, because they wait or run.` : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}

function idOf(values: URLSearchParams): string {
  return field(values, 'id', 'id').id ?? ''
}
