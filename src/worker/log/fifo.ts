/** A list that is taken from at its front: to take one moves no other. */

export class Fifo<Value> {
  #values: Value[] = []
  #first = 0

  get length(): number {
    return this.#values.length - this.#first
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
