/**
 * The slots of one queue, shared by the workers of many tenants in one process. No tenant takes more than its share at once, and when
 * slots are short those who wait get the next ones in the order in which they began to wait.
 *
 *   asks ──► there is room ──► takes slots
 *     │ none, or it has its part while others wait
 *     └──► waits in line ──► a slot became free: woken, and asks again
 */
export interface Tenant {
  /** Slots that it has now, and has asked the database to fill. */
  taken(): number
  /** There may be a slot for it. */
  wake(): void
}

/** What one tenant is given of them. */
export interface Share {
  /** How many more slots it may take now. One that gets none, and wants some, stands in line. */
  room(): number
  /** Something of it has ended. */
  released(): void
  /** Whether others wait for a slot. */
  readonly othersWait: boolean
  /** It wants nothing more. What it has counts until that has ended. */
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

  /** Of all who have slots or wait for one. */
  #evenPart(tenant: Tenant): number {
    let contenders = 0
    for (const one of this.#tenants) if (one === tenant || this.#line.has(one) || one.taken() > 0) contenders += 1
    return Math.max(1, Math.floor(this.#slots / contenders))
  }

  /** It stays in line until it has asked, so that others see it wait; at the end, so that one that does not ask holds up no other. */
  #wakeNext(): void {
    const [next] = this.#line
    if (next === undefined || this.#free() <= 0) return
    this.#line.delete(next)
    this.#line.add(next)
    next.wake()
  }
}

/** Those of all queues that one process works on for many tenants. */
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
