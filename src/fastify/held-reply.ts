/** Holds back what a handler sends, until its transaction has ended. */
import type { FastifyReply } from 'fastify'

export interface HeldReply {
  /** Resolves when the handler has sent something. */
  readonly sent: Promise<void>
  /** What the handler has sent; `null`: nothing yet. */
  held(): { readonly payload: unknown } | null
  /** From now on, the reply's own `send` works again. */
  release(): void
}

/**
 * Until `release()`, `send` only remembers its payload, and so does everything that uses `send`, such as `redirect`. A reply is also a promise of
 * its own end. An async handler that returns the reply would wait for that end, so `then` is hidden meanwhile.
 */
export function holdBack(reply: FastifyReply): HeldReply {
  const { promise: sent, resolve } = Promise.withResolvers<void>()
  let held: { readonly payload: unknown } | null = null
  const send = (payload?: unknown) => {
    held ??= { payload }
    resolve()
    return reply
  }
  const hide = { configurable: true, writable: true }
  // oxlint-disable-next-line unicorn/no-thenable -- `then` is hidden, not added
  Object.defineProperties(reply, { send: { ...hide, value: send }, then: { ...hide, value: undefined } })
  return {
    sent,
    held: () => held,
    release() {
      Reflect.deleteProperty(reply, 'send')
      Reflect.deleteProperty(reply, 'then')
    },
  }
}
