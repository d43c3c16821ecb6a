/** A connection that is made when it is first needed, and made again after it was lost. */

export interface Closable {
  close(): Promise<void>
}

export class LazyConnection<Connection extends Closable> {
  readonly #open: (onLost: () => void) => Promise<Connection>
  #current: Promise<Connection> | null = null

  /** `open` calls `onLost` when its connection can no longer be used. */
  constructor(open: (onLost: () => void) => Promise<Connection>) {
    this.#open = open
  }

  /** Callers at the same time get the same connection. */
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
