/** Decides which item is next: items begin in the order in which they came, up to a limit at once. Items of one key begin one after the other. */

export interface TurnsOptions<Item> {
  readonly concurrency: number
  /** `null`: the item waits for no other item. */
  readonly keyOf: (item: Item) => string | null
  /** Must not reject. */
  readonly run: (item: Item) => Promise<void>
}

export class Turns<Item> {
  readonly #options: TurnsOptions<Item>
  readonly #running = new Map<Item, Promise<void>>()
  readonly #busyKeys = new Set<string>()
  #waiting: Item[] = []

  constructor(options: TurnsOptions<Item>) {
    this.#options = options
  }

  /** How many items wait or run. */
  get count(): number {
    return this.#waiting.length + this.#running.size
  }

  items(): readonly Item[] {
    return [...this.#running.keys(), ...this.#waiting]
  }

  add(item: Item): void {
    this.#waiting.push(item)
    this.#begin()
  }

  /** Removes and returns all items that have not begun. */
  clear(): readonly Item[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  /** Resolves when all items that run now have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  #begin(): void {
    while (this.#running.size < this.#options.concurrency) {
      const place = this.#waiting.findIndex((item) => this.#isFree(this.#options.keyOf(item)))
      if (place === -1) return
      this.#run(this.#waiting.splice(place, 1)[0] as Item)
    }
  }

  #isFree(key: string | null): boolean {
    return key === null || !this.#busyKeys.has(key)
  }

  #run(item: Item): void {
    const key = this.#options.keyOf(item)
    if (key !== null) this.#busyKeys.add(key)
    const running = this.#options.run(item).finally(() => {
      this.#running.delete(item)
      if (key !== null) this.#busyKeys.delete(key)
      this.#begin()
    })
    this.#running.set(item, running)
  }
}
