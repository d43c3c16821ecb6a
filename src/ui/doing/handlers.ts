/** Acts on a whole handler or queue: pause it, resume it, and move a handler that reads the log. */
import type { Pausable } from '../../deliveries/pauses.ts'
import { asked, refused } from '../asked.ts'
import { count } from '../parts/number.ts'
import { textField } from '../parts/fields.ts'
import type { Doing } from './doing.ts'

export const pause: Doing = {
  title: 'Pause',
  button: 'Pause',
  preview: async (_, values) => ({
    says: `From now on nothing of ${inWords(pausableOf(values))} begins, in any process.`,
    warns: 'What runs ends. Events go on being published, and wait in their order until someone resumes it.',
    count: 1,
  }),
  async run({ bus }, values, { act }) {
    const what = pausableOf(values)
    const { count: done } = await bus.pause(what, act)
    return `${inWords(what)} ${done === 0 ? 'was paused already' : 'is paused'}.`
  },
}

export const resume: Doing = {
  title: 'Resume',
  button: 'Resume',
  preview: async (_, values) => ({ says: `${inWords(pausableOf(values))} goes on, in order.`, count: 1 }),
  async run({ bus }, values, { act }) {
    const what = pausableOf(values)
    const { count: done } = await bus.resume(what, act)
    return `${inWords(what)} ${done === 0 ? 'was not paused' : 'goes on'}.`
  },
}

export const rewindLog: Doing = {
  title: 'Rewind in the log',
  button: 'Rewind',
  preview: async (_, values) => ({
    says: `This moves ${handlerOf(values)} back: it gets the events of the log again, from one event on.`,
    warns: 'What waits in lanes stays there.',
    count: 1,
    fields: textField({
      name: 'to',
      label: 'Id of the event that is to be next',
      value: asked(values, 'to'),
      isRequired: true,
    }),
  }),
  async run({ bus }, values, { act }) {
    const { count: done } = await bus.log.rewind({ handler: handlerOf(values), to: asked(values, 'to') ?? '' }, act)
    return `${count(done, 'shard')} of ${handlerOf(values)} moved back.`
  },
}

export const skipInLog: Doing = {
  title: 'Skip in the log',
  button: 'Move on',
  preview: async (_, values) => ({
    says: `This moves ${handlerOf(values)} on, past events that it then never handles.`,
    warns: 'A shard that is further already stays where it is.',
    count: 1,
    fields: textField({
      name: 'to',
      label: 'Id of the event that is to be next, or: end',
      value: asked(values, 'to'),
      isRequired: true,
    }),
  }),
  async run({ bus }, values, { act }) {
    const { count: done } = await bus.log.skipTo({ handler: handlerOf(values), to: asked(values, 'to') ?? '' }, act)
    return `${count(done, 'shard')} of ${handlerOf(values)} moved on.`
  },
}

function pausableOf(values: URLSearchParams): Pausable {
  const handler = asked(values, 'handler')
  const queue = asked(values, 'queue')
  if (handler !== null && queue === null) return { handler }
  if (queue !== null && handler === null) return { queue }
  throw refused('Say which handler, or which queue.')
}

function inWords({ handler, queue }: Pausable): string {
  return handler === undefined ? `queue ${queue}` : `handler ${handler}`
}

function handlerOf(values: URLSearchParams): string {
  const handler = asked(values, 'handler')
  if (handler === null) throw refused('Say which handler.')
  return handler
}
