/** Counts and measures what a bus does in this process, for Prometheus: it listens to the bus's channels, so it counts nothing before it begins. */
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { now, performance } from '../clock.ts'
import { HANDLE_CHANNEL, PUBLISH_CHANNEL, type HandleMessage, type PublishMessage } from '../middleware/channels.ts'
import { SIGNAL_CHANNEL, type BusName, type SignalMessage } from '../signals.ts'
import { errorType, failureIn, ofHandler, processing, publishing } from './labels.ts'
import { Series } from './series.ts'
import { WORK, type Labels } from './metrics.ts'

/** A message of an operation that has ended: Node has added its result or its error. */
type Ended<Message> = Message & { readonly result?: unknown; readonly error?: unknown }

export interface Recorder {
  readonly series: Series
  stop(): void
}

/** `isOurs` says whether the recorder counts what this bus does. */
export function recorderOf(isOurs: (bus: BusName) => boolean): Recorder {
  const series = new Series()
  const began = new WeakMap<object, { readonly at: number; readonly latencies: readonly number[] }>()
  const took = (message: object) => (performance.now() - (began.get(message)?.at ?? performance.now())) / 1_000

  const publishes = {
    start: (message: PublishMessage) => void began.set(message, { at: performance.now(), latencies: [] }),
    asyncEnd(message: Ended<PublishMessage>) {
      if (!isOurs(message.bus)) return
      const labels = publishing(message.events)
      const error = errorOf(message)
      if (!error) series.add(WORK.sent, labels, message.events.length)
      series.record(WORK.publishDuration, { ...labels, ...error }, took(message))
    },
  }
  const attempts = {
    start: (message: HandleMessage) =>
      void began.set(message, { at: performance.now(), latencies: isOurs(message.bus) ? latenciesOf(message) : [] }),
    asyncEnd(message: Ended<HandleMessage>) {
      if (!isOurs(message.bus)) return
      const labels = processing(message.handler, message.events)
      const ended = { ...labels, ...errorOf(message) }
      series.add(WORK.consumed, ended, message.events.length)
      series.record(WORK.processDuration, ended, took(message))
      for (const latency of began.get(message)?.latencies ?? []) series.record(WORK.latency, labels, latency)
    },
  }
  const signals = (given: unknown) => {
    const { bus: of, signal } = given as SignalMessage // what the channel carries
    if (!isOurs(of)) return
    const labels = ofHandler(String(signal.fields['handler']))
    if (signal.name === 'delivery.dead') series.add(WORK.deadLetters, labels, 1)
    if (signal.name === 'claim.lost') series.add(WORK.claimsLost, labels, 1)
  }

  const published = tracingChannel<unknown, PublishMessage>(PUBLISH_CHANNEL)
  const handled = tracingChannel<unknown, HandleMessage>(HANDLE_CHANNEL)
  // Node accepts some of the five handlers; only its types require all.
  published.subscribe(publishes as never)
  handled.subscribe(attempts as never)
  subscribe(SIGNAL_CHANNEL, signals)
  return {
    series,
    stop() {
      published.unsubscribe(publishes as never)
      handled.unsubscribe(attempts as never)
      unsubscribe(SIGNAL_CHANNEL, signals)
    },
  }
}

function errorOf({ error, result }: Ended<object>): Labels | null {
  if (error !== undefined) return { 'error.type': errorType(error) }
  const failure = failureIn(result)
  return failure && { 'error.type': failure.type }
}

/** For each first attempt that is not a replay: the seconds from its event until now, when the attempt begins. */
function latenciesOf({ events, context }: HandleMessage): readonly number[] {
  return events.flatMap((event) => {
    const { attempt, isReplay } = 'deliveryOf' in context ? context.deliveryOf(event as never) : context
    return attempt === 1 && !isReplay ? [Math.max(0, (now().getTime() - event.occurredAt.getTime()) / 1_000)] : []
  })
}
