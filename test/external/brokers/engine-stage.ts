/** For tests of the JetStream engine: a nats-server, and for each test a bus with a stream of its own. */
import type { NatsConnection } from '@nats-io/transport-node'
import { onTestFinished } from 'vitest'
import type { AnyHandler, BusOptions, PublishedEvent } from '../../../src/index.ts'
import { jetStream } from '../../../src/jetstream/index.ts'
import { openTestBus } from '../../support/bus.ts'
import { openNatsServer } from '../../support/nats-server.ts'
import { handlerThat, NoteTaken } from '../../support/notes.ts'
import { until } from '../../support/until.ts'
import { nats, server } from './with-nats.ts'

let streams = 0

export const AGAIN = { by: 'test', reason: 'again' }

export interface StageOptions {
  readonly handler?: AnyHandler
  readonly events?: BusOptions['events']
  readonly servers?: string
  readonly connection?: NatsConnection
  readonly stream?: string
  readonly partitions?: number
}

export async function aStage({ events = [NoteTaken], ...given }: StageOptions = {}) {
  const seen: number[] = []
  const handler =
    given.handler ?? handlerThat((n) => void seen.push(n), { name: 'notes.index', delivery: 'log', shards: 4 })
  const stream = given.stream ?? `log${(streams += 1)}`
  const { servers = server().servers, connection, partitions = 16 } = given
  const engine = jetStream({ ...(connection ? { connection } : { servers }), stream, partitions })
  const opened = await openTestBus({ events, handlers: [handler], engine })
  onTestFinished(() => opened.close())
  return {
    seen,
    handler,
    opened,
    stream,
    async publish(from: number, to: number, key = 'a') {
      const all: PublishedEvent[] = []
      for (let first = from; first <= to; first += 500) {
        const notes = numbers(first, Math.min(first + 499, to)).map((n) => NoteTaken({ n, key }))
        all.push(...(await opened.bus.publish(notes)).events)
      }
      return { events: all }
    },
    async worker() {
      const worker = await started(opened.bus.worker())
      onTestFinished(() => void worker.stop())
      return worker
    },
    /** Waits until the cursors have passed everything. */
    acknowledged: () =>
      until('the cursors have passed everything', async () =>
        (await opened.bus.log.list()).every(({ lag }) => lag.events === 0),
      ),
    /** The pieces that were read from Postgres because the stream did not hold them. */
    missing: () => opened.signalsNamed('engine.missing').map(({ fields }) => fields),
    /** The numbers of the notes in the stream. */
    async stored() {
      const { state } = await nats().manager.streams.info(stream)
      const sequences = state.messages === 0 ? [] : numbers(state.first_seq, state.last_seq)
      const messages = await Promise.all(sequences.map((seq) => nats().manager.streams.getMessage(stream, { seq })))
      return messages.flatMap((message) => (message ? [noteIn(message.string())] : []))
    },
  }
}

function noteIn(message: string): number {
  return Number(/"n":\s*(\d+)/.exec(message.slice(message.indexOf('\n')))?.[1] ?? NaN)
}

export async function started<Worker extends { start(): Promise<void> }>(worker: Worker): Promise<Worker> {
  await worker.start()
  return worker
}

export async function aServer() {
  const own = await openNatsServer()
  return { ...own, [Symbol.asyncDispose]: () => own.remove() }
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place)
}
