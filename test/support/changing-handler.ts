/** A stage for a handler that changes its delivery: buses with different definitions, their workers, and the state of the change. */
import type { AnyEventType, Bus, HandlerOptions, Worker } from '../../src/index.ts'
import { openStoredEvents } from './stored-events.ts'
import { until } from './until.ts'

export const LOG: HandlerOptions = { delivery: 'log', shards: 4 }

interface HandlerRow {
  readonly mode: string
  readonly wanted: string
  readonly phase: string | null
  readonly shards: number
  readonly floors: readonly string[] | null
  readonly wanted_shards: number | null
}

export async function openChangingHandler(settings: Parameters<typeof openStoredEvents>[0] = {}) {
  const stored = await openStoredEvents(settings)
  const workers: Worker[] = []

  async function row(): Promise<HandlerRow> {
    const { rows } = await stored.database.query<HandlerRow>(
      `select * from postbus.log_handler where handler = 'notes.take'`,
    )
    return rows[0] as HandlerRow
  }

  return {
    ...stored,
    row,
    /** The bus of a process that has this definition of the handler. */
    deployedAs: (
      options: HandlerOptions,
      events: readonly AnyEventType[] = [],
      does: (n: number) => unknown = () => undefined,
    ): Bus => stored.busWith([stored.noting('notes.take', options, does)], events),
    async working(bus: Bus): Promise<Worker> {
      const worker = bus.worker({ pollMs: 200 })
      workers.push(worker)
      await worker.start()
      return worker
    },
    changed: (mode: 'job' | 'log') =>
      until(
        `its events come as ${mode}`,
        async () => {
          const { mode: is, phase } = await row()
          return is === mode && phase === null
        },
        30_000,
      ),
    handled: (count: number) => until(`${count} are handled`, () => stored.ran.length >= count),
    /** The next step of the change, if it can be taken. */
    async step(): Promise<string | null> {
      const { rows } = await stored.database.query<{ step: string | null }>(
        `select postbus.log_change('notes.take') as step`,
      )
      return rows[0]?.step ?? null
    },
    async tidy(): Promise<void> {
      await Promise.all(workers.splice(0).map((worker) => worker.stop()))
      await stored.tidy()
      await stored.database.query('truncate postbus.registry, postbus.former_registry cascade') // each test has a history of its own
    },
  }
}
