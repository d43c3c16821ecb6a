/** Keeps back what a handler sends, until its transaction has ended. */
import type { FastifyReply } from 'fastify'

export interface HeldReply {
  /** Resolves when something was sent. */
  readonly sent: Promise<void>
  /** What was sent, if anything was. */
  held(): { readonly payload: unknown } | null
  /** From now on the reply sends by itself. */
  release(): void
}

/**
 * `send`, and what uses it, such as `redirect`, only remembers. A reply is also a promise of its own end, which an async handler
 * that returns it would wait for: meanwhile it is none.
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
  // oxlint-disable-next-line unicorn/no-thenable -- it is taken away
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
