/** A first-in, first-out list: taking its first element stays cheap, however long the list is. */

export class Fifo<Value> {
  #values: Value[] = []
  #first = 0

  get length(): number {
    return this.#values.length - this.#first
  }

  /** The value that `shift` returns next. */
  get first(): Value | undefined {
    return this.#values[this.#first]
  }

  push(value: Value): void {
    this.#values.push(value)
  }

  shift(): Value | undefined {
    const value = this.#values[this.#first]
    if (this.#first < this.#values.length) this.#first += 1
    if (this.#first > 1_000 && 2 * this.#first > this.#values.length) {
      this.#values = this.#values.slice(this.#first)
      this.#first = 0
    }
    return value
  }
}
