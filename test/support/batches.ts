/** For tests of batch handlers: a handler that notes its batches, and does with them what the test says. */
import type { TestContext } from 'vitest'
import {
  defineBatchHandler,
  type AnyHandler,
  type BatchContext,
  type BatchHandlerDefinition,
  type EventOf,
  type Worker,
  type WorkerOptions,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { anotherBus, NoteTaken } from './notes.ts'

export type Note = EventOf<typeof NoteTaken>
export type DoingBatch = (events: readonly Note[], context: BatchContext<Note>) => unknown
export type BatchOptions = Omit<BatchHandlerDefinition<typeof NoteTaken, unknown>, 'on' | 'handle'> & {
  readonly name?: string
}

export interface Batched {
  readonly handler: AnyHandler
  /** The numbers of the notes of each batch that was begun. */
  readonly batches: number[][]
}

export function batched(does: DoingBatch = () => undefined, options: BatchOptions = {}): Batched {
  const { name = 'notes.store', ...rest } = options
  const batches: number[][] = []
  const handler = defineBatchHandler(name, {
    on: NoteTaken,
    backoff: { initialMs: 10, factor: 1, jitter: 0 },
    ...rest,
    handle(events, context) {
      batches.push(events.map(({ data }) => data.n))
      return does(events, context)
    },
  })
  return { handler, batches }
}

/** A bus with these handlers, on a database of its own, which is dropped after the test. */
export async function withHandlers(around: TestContext, ...handlers: readonly AnyHandler[]): Promise<TestBus> {
  const opened = await openTestBus({ handlers })
  around.onTestFinished(() => opened.close())
  return opened
}

/** Starts a worker, which is stopped after the test. */
export async function working(around: TestContext, { bus }: TestBus, options: WorkerOptions = {}): Promise<Worker> {
  const worker = bus.worker(options)
  around.onTestFinished(() => worker.stop().then(() => undefined))
  await worker.start()
  return worker
}

/** Starts a worker of another bus on the same database, as another process would. */
export async function workingBeside(
  around: TestContext,
  opened: TestBus,
  handler: AnyHandler,
  options: WorkerOptions = {},
): Promise<void> {
  const bus = anotherBus(opened, [handler])
  const worker = bus.worker(options)
  around.onTestFinished(async () => {
    await worker.stop()
    await bus.close()
  })
  await worker.start()
}

/** Notes numbered from 1, of one key or of none. */
export function notes(count: number, keyOf: (n: number) => string | null = () => null) {
  return Array.from({ length: count }, (_, place) => NoteTaken({ n: place + 1, key: keyOf(place + 1) }))
}
