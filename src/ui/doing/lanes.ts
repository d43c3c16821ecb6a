/** Acts on one lane: each preview names the head of the lane, and how many events wait behind it. */
import type { Lane, LaneName } from '../../deliveries/lanes.ts'
import { asked, refused } from '../asked.ts'
import { count } from '../parts/number.ts'
import type { Visit } from '../visit.ts'
import { nameOfError } from '../shown-error.ts'
import type { Doing, Preview } from './doing.ts'

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the handler or the key is missing. */
export function laneOf(values: URLSearchParams): LaneName {
  const handler = asked(values, 'handler')
  const partitionKey = values.get('key') // not trimmed: a key may begin with a space
  if (handler === null || partitionKey === null || partitionKey === '') throw refused('A handler and a key are needed.')
  return { handler, partitionKey }
}

export function laneInWords({ handler, partitionKey }: LaneName): string {
  return `key ${partitionKey} of ${handler}`
}

export const retryHead: Doing = {
  title: 'Try the head again',
  button: 'Try again',
  preview: (visit, values) =>
    onHead(visit, values, (lane) => ({
      says: `This tries the head of ${laneInWords(lane)} again now: ${headOf(lane)}.`,
      warns: `${lane.state === 'blocked' ? 'It gets all its attempts again. ' : ''}${behindOf(lane)}`,
    })),
  async run({ bus }, values, { act }) {
    const lane = laneOf(values)
    const { count: done } = await bus.lanes.retry(lane, act)
    return done === 0 ? TAKEN : `The head of ${laneInWords(lane)} is due now.`
  },
}

export const skipHead: Doing = {
  title: 'Skip the head',
  button: 'Skip it',
  preview: (visit, values) =>
    onHead(visit, values, (lane) => ({
      says: `This makes the head of ${laneInWords(lane)} a dead letter: ${headOf(lane)}.`,
      warns: `${behindOf(lane)} If you retry it later, it runs after the deliveries that now go ahead of it.`,
    })),
  async run({ bus }, values, { act }) {
    const lane = laneOf(values)
    const { count: done } = await bus.lanes.skipHead(lane, act)
    return done === 0 ? TAKEN : `The head of ${laneInWords(lane)} is a dead letter, and the key goes on.`
  },
}

export const rewindLane: Doing = {
  title: 'Rewind a key',
  button: 'Rewind',
  async preview({ bus }, values) {
    const lane = laneOf(values)
    const to = { ...lane, from: values.get('from') ?? '' }
    const { count: back } = await bus.lanes.rewind(to, { preview: true })
    if (back === 0) return { says: `Nothing of ${laneInWords(lane)} was over since that event.`, count: 0 }
    return {
      says: `This runs ${count(back, 'event')} of ${laneInWords(lane)} again, in the order of publishing.`,
      warns: 'The key stands still meanwhile; what waits comes in its turn. Other keys and handlers are not touched.',
      count: back,
    }
  },
  async run({ bus }, values, { act }) {
    const lane = laneOf(values)
    const { count: back } = await bus.lanes.rewind({ ...lane, from: values.get('from') ?? '' }, act)
    return comesBack(back, lane)
  },
}

export const repairLane: Doing = {
  title: 'Repair a key',
  button: 'Repair',
  async preview({ bus }, values) {
    const lane = laneOf(values)
    const { count: back } = await bus.lanes.repair(lane, { preview: true })
    if (back === 0) return { says: `No dead letter of ${laneInWords(lane)} is open: nothing to repair.`, count: 0 }
    return {
      says: `This runs ${count(back, 'event')} of ${laneInWords(lane)} again, from the oldest one that is a dead letter on.`,
      warns: 'They run in the order of publishing, before what waits.',
      count: back,
    }
  },
  async run({ bus }, values, { act }) {
    const lane = laneOf(values)
    const { count: back } = await bus.lanes.repair(lane, act)
    return comesBack(back, lane)
  },
}

export const pauseLane: Doing = {
  title: 'Pause a key',
  button: 'Pause',
  async preview({ bus }, values) {
    const name = laneOf(values)
    const lane = await bus.lanes.show(name)
    return {
      says: `From now on nothing of ${laneInWords(name)} begins. ${lane === null ? 'Nothing of it waits.' : behindOf(lane)}`,
      warns: 'What runs ends. Other keys and handlers go on. It stays paused until someone resumes it.',
      count: 1,
    }
  },
  async run({ bus }, values, { act }) {
    const lane = laneOf(values)
    const { count: done } = await bus.lanes.pause(lane, act)
    return `${laneInWords(lane)} ${done === 0 ? 'was paused already' : 'is paused'}.`
  },
}

export const resumeLane: Doing = {
  title: 'Resume a key',
  button: 'Resume',
  preview: async (_, values) => ({ says: `${laneInWords(laneOf(values))} goes on, in order.`, count: 1 }),
  async run({ bus }, values, { act }) {
    const lane = laneOf(values)
    const { count: done } = await bus.lanes.resume(lane, act)
    return `${laneInWords(lane)} ${done === 0 ? 'was not paused' : 'goes on'}.`
  },
}

const TAKEN = 'The head was taken by a worker or another operator meanwhile: nothing was done.'

async function onHead(
  { bus }: Visit,
  values: URLSearchParams,
  say: (lane: Lane) => Pick<Preview, 'says' | 'warns'>,
): Promise<Preview> {
  const name = laneOf(values)
  const lane = await bus.lanes.show(name)
  return lane === null ? { says: `Nothing waits for ${laneInWords(name)}.`, count: 0 } : { ...say(lane), count: 1 }
}

/** Leaves out the error's message: it can contain data of the event, and this sentence has no room for it. */
export function headOf({ eventType, state, errors }: Lane): string {
  const name = nameOfError(errors.at(-1))
  const stands = state === 'blocked' ? 'has died' : `is ${state}`
  return `${eventType ?? 'an event'}, which ${stands}${name === null ? '' : ` of ${name}`}`
}

function behindOf({ behind }: Lane): string {
  return behind === 0 ? 'Nothing waits behind it.' : `${count(behind, 'event')} behind it then follow in order.`
}

function comesBack(back: number, lane: LaneName): string {
  return `${count(back, 'event')} of ${laneInWords(lane)} ${back === 1 ? 'comes' : 'come'} back, in order.`
}
