/** A connection that is made when it is first needed, and again when it was lost. */

export interface Closable {
  close(): Promise<void>
}

export class LazyConnection<Connection extends Closable> {
  readonly #open: (onLost: () => void) => Promise<Connection>
  #current: Promise<Connection> | null = null

  /** `open` calls `onLost` when the connection that it has made is of no use any more. */
  constructor(open: (onLost: () => void) => Promise<Connection>) {
    this.#open = open
  }

  /** All that ask at the same time get the same one. */
  async get(): Promise<Connection> {
    if (this.#current) return this.#current
    const lose = () => {
      if (this.#current === opening) this.#current = null
    }
    const opening: Promise<Connection> = this.#open(lose)
    this.#current = opening
    return opening.catch((error: unknown) => {
      lose()
      throw error
    })
  }

  async close(): Promise<void> {
    const current = this.#current
    this.#current = null
    const connection = await current?.catch(() => null)
    await connection?.close()
  }
}
