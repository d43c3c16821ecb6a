/** `shadow(…)` in a handler's `on`: the handler gets events without their data, and fetches the data that it needs. */
import type { Listening, Shadow } from './listens-to.ts'

const SHADOW = Symbol.for('postbus.shadow')

/**
 * For a handler that needs the data of only a few events, or needs large data late: `handle` gets the event without its
 * data, and `await event.fetch()` returns the whole event. Until then, the data is not sent to the worker.
 *
 * `interested`, which runs inside `publish`, sees the whole event, as for every handler.
 *
 * @example
 * const index = defineHandler('search.index', {
 *   on: shadow(DocumentStored),
 *   async handle(event) {
 *     if (await search.has(event.id)) return
 *     const { data } = await event.fetch()
 *     await search.add(event.id, data.text)
 *   },
 * })
 */
export function shadow<const Of extends Listening>(of: Of): Shadow<Of> {
  return Object.freeze({ [SHADOW]: true, shadowOf: of })
}

/** Whether a value was made by `shadow`, by this or another copy of the package. */
export function isShadow(value: unknown): value is Shadow {
  return typeof value === 'object' && value !== null && SHADOW in value
}

/** The event types and patterns of a handler's `on`, as one list. */
export function kindsIn(on: unknown): readonly unknown[] {
  const listening: unknown = isShadow(on) ? on.shadowOf : on
  return Array.isArray(listening) ? listening : [listening]
}
