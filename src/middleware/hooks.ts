/** The middleware of a bus, as lists of hooks: around publishing, around handling, and around batches. */
import { UNNAMED, type BusName } from '../signals.ts'
import type { BatchHandling, Handling, Middleware, NextHandle, NextPublish, Publishing } from './middleware.ts'

/** One hook of one middleware. */
export interface HookAround<What, Next> {
  /** The middleware that it belongs to, for error messages. */
  readonly of: string
  run(what: What, next: Next): unknown
}

export type PublishHook = HookAround<Publishing, NextPublish>
export type HandleHook = HookAround<Handling, NextHandle>
export type BatchHook = HookAround<BatchHandling, NextHandle>

export interface Hooks {
  /** The bus that the hooks belong to, for subscribers that listen to several buses. */
  readonly bus: BusName
  readonly publish: readonly PublishHook[]
  readonly handle: readonly HandleHook[]
  readonly handleBatch: readonly BatchHook[]
}

export const NO_HOOKS: Hooks = Object.freeze({
  bus: UNNAMED,
  publish: Object.freeze([]),
  handle: Object.freeze([]),
  handleBatch: Object.freeze([]),
})

/** Makes lists of hooks from the middleware. Hooks are called as methods, so that a middleware may be an instance of a class. */
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
    handleBatch: named.flatMap(({ one, of }) =>
      one.handleBatch ? [{ of, run: (handling, next) => one.handleBatch?.(handling, next) } satisfies BatchHook] : [],
    ),
  }
}
