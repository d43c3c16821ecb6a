/**
 * The buses that were made from one: each once, by its name, and closed with it. They are the same application, so they share its
 * handlers; each has a schema, or a database, of its own.
 */
import { PostbusError } from '../errors.ts'
import type { WorkerOptions } from '../options.ts'
import type { BusName } from '../signals.ts'
import type { SlotsOfTenants } from '../worker/shared-slots.ts'
import type { Worker } from '../worker/worker.ts'

interface Closable {
  close(): Promise<void>
}

/** What one of them does for those who work for all. */
export interface MemberBus {
  readonly about: BusName
  /** The name of its database. */
  readonly database: string
  /** Resolves when its database has answered. */
  ping(): Promise<unknown>
  /** Makes a worker which shares slots with the others' workers. */
  worker(slots: SlotsOfTenants, options: WorkerOptions): Worker
}

export class Family<Bus extends Closable> {
  readonly #made = new Map<string, Bus>()
  readonly #members = new WeakMap<Bus, MemberBus>()
  #isClosed = false

  /** @throws {PostbusError} `POSTBUS_CLOSED` when the first of them was closed, and what `make` throws. */
  member(name: string, make: () => Bus): Bus {
    if (this.#isClosed)
      throw new PostbusError('POSTBUS_CLOSED', 'This bus was closed, and its tenants with it. Create another one.')
    const known = this.#made.get(name)
    if (known) return known
    const made = make()
    this.#made.set(name, made)
    return made
  }

  add(bus: Bus, member: MemberBus): void {
    this.#members.set(bus, member)
  }

  /** `undefined`: it is no bus of this family. */
  find(bus: Bus): MemberBus | undefined {
    return this.#members.get(bus)
  }

  /** The next one of that name is another bus. */
  forget(bus: Bus): void {
    for (const [name, one] of this.#made) if (one === bus) this.#made.delete(name)
  }

  /** Those whose names begin so. Nothing more is made after all have been closed. */
  async closeBelow(prefix: string): Promise<void> {
    if (prefix === '') this.#isClosed = true
    const below = [...this.#made].filter(([name]) => name.startsWith(prefix))
    await Promise.all(below.map(([, bus]) => bus.close()))
  }
}
