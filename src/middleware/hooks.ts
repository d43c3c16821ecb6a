/** The middleware of a bus, as one list of hooks around publishing and one around handling. */
import { UNNAMED, type BusName } from '../signals.ts'
import type { Handling, Middleware, NextHandle, NextPublish, Publishing } from './middleware.ts'

export interface PublishHook {
  /** Which middleware it is of, for error messages. */
  readonly of: string
  run(publishing: Publishing, next: NextPublish): unknown
}

export interface HandleHook {
  readonly of: string
  run(handling: Handling, next: NextHandle): unknown
}

export interface Hooks {
  /** The bus that they are of, for those who listen to several. */
  readonly bus: BusName
  readonly publish: readonly PublishHook[]
  readonly handle: readonly HandleHook[]
}

export const NO_HOOKS: Hooks = Object.freeze({
  bus: UNNAMED,
  publish: Object.freeze([]),
  handle: Object.freeze([]),
})

/** Hooks are called as methods, so that a middleware may be an instance of a class. */
export function hooksOf(middleware: readonly Middleware[], bus: BusName = UNNAMED): Hooks {
  if (middleware.length === 0) return { ...NO_HOOKS, bus }
  const named = middleware.map((one, place) => ({ one, of: one.name ?? `${place + 1} of ${middleware.length}` }))
  return {
    bus,
    publish: named.flatMap(({ one, of }) =>
      one.publish ? [{ of, run: (publishing, next) => one.publish?.(publishing, next) } satisfies PublishHook] : [],
    ),
    handle: named.flatMap(({ one, of }) =>
      one.handle ? [{ of, run: (handling, next) => one.handle?.(handling, next) } satisfies HandleHook] : [],
    ),
  }
}
