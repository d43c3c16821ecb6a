/** `shadow(…)` in a handler's `on`: it is given events without their data, and fetches the data of those it needs. */
import type { Listening, Shadow } from './listens-to.ts'

const SHADOW = Symbol.for('postbus.shadow')

/**
 * For a handler that needs the data of few of its events, or of large ones late: `handle` is given what surrounds the data,
 * and `await event.fetch()` returns the whole event. The data do not travel to the worker before that.
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
