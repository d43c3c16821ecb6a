/** The workers that are alive, and what each of them works on: `bus.workers`. */

export interface WorkedQueue {
  readonly queue: string
  /** How many handlers this worker runs at once in this queue. `null`: the worker is of an older release, which did not report it. */
  readonly slots: number | null
}

export interface RunningWorker {
  readonly id: string
  /** The name of its machine or container. */
  readonly host: string
  readonly pid: number
  readonly queues: readonly WorkedQueue[]
  /** Its handlers by their present names. A handler that this bus does not know has its stored name. */
  readonly handlers: readonly string[]
  readonly startedAt: Date
  /** When it last reported that it is alive, which each worker does every few seconds. */
  readonly seenAt: Date
}

export interface Workers {
  /**
   * Lists the workers that are alive, of every process on this schema, the oldest first. A worker that stops leaves the list at once, a
   * killed one after a minute.
   *
   * @example
   * for (const { host, pid, queues } of await bus.workers()) console.log(host, pid, queues)
   *
   * @throws {PostbusError} `POSTBUS_NO_DATABASE` for a bus that keeps everything in memory.
   */
  workers(): Promise<readonly RunningWorker[]>
}
