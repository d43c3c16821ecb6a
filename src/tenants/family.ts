/**
 * The buses that were made from one bus: one for each name, closed together with it. They belong to one application and share its
 * handlers; each has its own schema or database.
 */
import { PostbusError } from '../errors.ts'
import type { WorkerOptions } from '../options.ts'
import type { BusName } from '../signals.ts'
import type { SlotsOfTenants } from '../worker/shared-slots.ts'
import type { Worker } from '../worker/worker.ts'

interface Closable {
  close(): Promise<void>
}

/** The part of a bus that the code for all tenants uses. */
export interface MemberBus {
  readonly about: BusName
  /** The name of its database. */
  readonly database: string
  /** Resolves when its database has answered. */
  ping(): Promise<unknown>
  /** Makes a worker that shares slots with the workers of the other buses. */
  worker(slots: SlotsOfTenants, options: WorkerOptions): Worker
}

export class Family<Bus extends Closable> {
  readonly #made = new Map<string, Bus>()
  readonly #members = new WeakMap<Bus, MemberBus>()
  #isClosed = false

  /** @throws {PostbusError} `POSTBUS_CLOSED` when the first bus was closed, and what `make` throws. */
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

  /** Returns `undefined` for a bus that is not of this family. */
  find(bus: Bus): MemberBus | undefined {
    return this.#members.get(bus)
  }

  /** Forgets a bus, so that the next bus of that name is a new one. */
  forget(bus: Bus): void {
    for (const [name, one] of this.#made) if (one === bus) this.#made.delete(name)
  }

  /** Closes the buses whose names begin with `prefix`. With an empty prefix all are closed, and no more can be made. */
  async closeBelow(prefix: string): Promise<void> {
    if (prefix === '') this.#isClosed = true
    const below = [...this.#made].filter(([name]) => name.startsWith(prefix))
    await Promise.all(below.map(([, bus]) => bus.close()))
  }
}
