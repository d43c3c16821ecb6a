/**
 * One connection that LISTENs for many members: each member hears its own channel, as if the connection were its own. It is made for the
 * first member and closed after the last one. If it is lost, the next member that calls `listener` makes it again.
 */
import { EventEmitter } from 'node:events'
import type { Listening, ListeningClient, Notification } from './listen-until-lost.ts'

export class SharedListener implements Listening {
  readonly #connection: Listening
  #session: Promise<Session | null> | null = null

  constructor(connection: Listening) {
    this.#connection = connection
  }

  /** `null`: LISTEN does not work here. Rejects when the connection cannot be made. */
  async listener(channel: string): Promise<ListeningClient | null> {
    const opening = (this.#session ??= this.#open())
    const session = await opening.catch((error: unknown) => {
      this.#forget(opening)
      throw error
    })
    if (session?.isOver === false) return session.join(channel)
    this.#forget(opening) // the next one tries again
    return session && this.listener(channel)
  }

  async #open(): Promise<Session | null> {
    const client = await this.#connection.listener('')
    return client && new Session(client)
  }

  #forget(opening: Promise<Session | null>): void {
    if (this.#session === opening) this.#session = null
  }
}

interface Member {
  readonly channel: string
  readonly events: EventEmitter
}

class Session {
  readonly #client: ListeningClient
  readonly #members = new Set<Member>()
  /** The end of the last statement: a connection runs one statement at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  isOver = false

  constructor(client: ListeningClient) {
    this.#client = client
    client.on('notification', (heard: Notification) => {
      for (const { channel, events } of this.#members) if (channel === heard.channel) events.emit('notification', heard)
    })
    client.once('end', () => {
      this.isOver = true
      for (const { events } of this.#members) events.emit('end')
    })
  }

  join(channel: string): ListeningClient {
    const member: Member = { channel, events: new EventEmitter() }
    this.#members.add(member)
    return {
      query: (text) => this.#query(text),
      on: (name: string, hear: (heard: Notification) => void) => member.events.on(name, hear),
      once: (name: string, hear: () => void) => member.events.once(name, hear),
      end: () => this.#leave(member),
    }
  }

  #query(text: string): Promise<{ readonly rowCount: number | null }> {
    const answered = this.#turn.then(() => this.#client.query(text))
    this.#turn = answered.catch(() => undefined)
    return answered
  }

  async #leave(member: Member): Promise<void> {
    if (!this.#members.delete(member) || this.isOver) return
    if (this.#members.size === 0) {
      this.isOver = true
      return this.#client.end()
    }
    if ([...this.#members].some(({ channel }) => channel === member.channel)) return
    await this.#query(`unlisten "${member.channel}"`)
  }
}
