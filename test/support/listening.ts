/** Separate buses, as separate processes have, that listen to one database, and the events that each has heard. */
import { onTestFinished } from 'vitest'
import { createBus, type Bus, type BusOptions, type BusSignal, type MissedBroadcasts } from '../../src/index.ts'
import type { TestBus } from './bus.ts'
import { NoteTaken } from './notes.ts'
import { until } from './until.ts'

export interface Listener {
  readonly bus: Bus
  readonly heard: number[]
  readonly missed: MissedBroadcasts[]
  readonly signals: BusSignal[]
  stop(): Promise<void>
}

/** Makes a listener whose connection can be recognised by its application name. */
export async function aListener(
  { connectionString }: TestBus,
  name = 'a',
  options: BusOptions = {},
): Promise<Listener> {
  const signals: BusSignal[] = []
  const bus = createBus({ connectionString, onSignal: (signal) => signals.push(signal), ...options })
  onTestFinished(() => bus.close())
  const heard: number[] = []
  const missed: MissedBroadcasts[] = []
  const stop = await bus.listen(NoteTaken, ({ data }) => void heard.push(data.n), {
    onMissed: (one) => void missed.push(one),
  })
  return { bus, heard, missed, signals, stop, name } as Listener
}

const LISTENING = `query = 'listen "postbus_postbus.all"' and datname = current_database()`

/** How many connections hear broadcasts. */
export async function hearing({ database }: TestBus): Promise<number> {
  const { rowCount } = await database.query(`select from pg_stat_activity where ${LISTENING}`)
  return rowCount ?? 0
}

/** Cuts the connection that has listened for the longest time. */
export async function cutOne({ database }: TestBus): Promise<void> {
  await database.query(
    `select pg_terminate_backend(pid) from (
      select pid from pg_stat_activity where ${LISTENING} order by backend_start limit 1
    ) oldest`,
  )
}

export const hears = (listener: Pick<Listener, 'heard'>, n: number) =>
  until(`${n} is heard`, () => listener.heard.includes(n))
