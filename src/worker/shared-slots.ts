/**
 * The slots of one queue, shared by the workers of many tenants in one process. No tenant takes more than its share at once. When slots
 * are short, waiting tenants get the next ones in the order in which they began to wait.
 *
 *   asks ──► there is room ──► takes slots
 *     │ no room, or it has its even part while others wait
 *     └──► waits in line ──► a slot became free: woken, and asks again
 */
export interface Tenant {
  /** Returns how many slots it has now, including slots that it has asked the database to fill. */
  taken(): number
  /** There may be a slot for it. */
  wake(): void
}

/** The access that one tenant has to the slots. */
export interface Share {
  /** Returns how many more slots the tenant may take now. If it gets none, it waits in line. */
  room(): number
  /** Called when one of its deliveries has ended. */
  released(): void
  /** Whether others wait for a slot. */
  readonly othersWait: boolean
  /** Called when the tenant wants no more slots. Those that it has count until their deliveries have ended. */
  leave(): void
}

export class SharedSlots {
  readonly #slots: number
  readonly #mostOfOne: number
  readonly #tenants = new Set<Tenant>()
  readonly #leaving = new Set<Tenant>()
  /** In the order in which they began to wait. */
  readonly #line = new Set<Tenant>()

  constructor(slots: number, mostOfOne: number) {
    this.#slots = slots
    this.#mostOfOne = mostOfOne
  }

  join(tenant: Tenant): Share {
    this.#tenants.add(tenant)
    const othersWait = () => this.#line.size > (this.#line.has(tenant) ? 1 : 0)
    return {
      room: () => this.#roomOf(tenant, othersWait()),
      released: () => this.#wakeNext(),
      get othersWait() {
        return othersWait()
      },
      leave: () => {
        this.#leaving.add(tenant)
        this.#line.delete(tenant)
      },
    }
  }

  #roomOf(tenant: Tenant, othersWait: boolean): number {
    const most = othersWait ? Math.min(this.#mostOfOne, this.#evenPart(tenant)) : this.#mostOfOne
    const room = Math.min(this.#free(), most - tenant.taken())
    if (room > 0) this.#line.delete(tenant)
    else if (!this.#leaving.has(tenant)) this.#line.add(tenant)
    return Math.max(0, room)
  }

  #free(): number {
    let free = this.#slots
    for (const tenant of this.#tenants) {
      const taken = tenant.taken()
      free -= taken
      if (taken === 0 && this.#leaving.delete(tenant)) this.#tenants.delete(tenant)
    }
    return free
  }

  /** Returns an even part of the slots, among all tenants that have slots or wait for one. */
  #evenPart(tenant: Tenant): number {
    let contenders = 0
    for (const one of this.#tenants) if (one === tenant || this.#line.has(one) || one.taken() > 0) contenders += 1
    return Math.max(1, Math.floor(this.#slots / contenders))
  }

  /** Wakes the next tenant. It stays in line until it asks, so that others see it wait; at the end, so that it holds up no other if it never asks. */
  #wakeNext(): void {
    const [next] = this.#line
    if (next === undefined || this.#free() <= 0) return
    this.#line.delete(next)
    this.#line.add(next)
    next.wake()
  }
}

/** The shared slots of all queues that one process works on for many tenants. */
export class SlotsOfTenants {
  readonly #perTenant: number | undefined
  readonly #queues = new Map<string, SharedSlots>()

  /** `perTenant`: how many slots of each queue one tenant may have at once. Default: half of them. */
  constructor(perTenant?: number) {
    this.#perTenant = perTenant
  }

  of(queue: string, slots: number): SharedSlots {
    const known = this.#queues.get(queue) ?? new SharedSlots(slots, this.mostOfOne(slots))
    this.#queues.set(queue, known)
    return known
  }

  mostOfOne(slots: number): number {
    return Math.min(slots, this.#perTenant ?? Math.ceil(slots / 2))
  }
}
