/** Calls a handler, for one event or a batch, inside the hooks of the bus. */
import { PostbusError } from '../errors.ts'
import type { HookAround } from './hooks.ts'
import type { NextHandle } from './middleware.ts'
import { passed } from './once.ts'

/**
 * Returns the answer of the call: what the outermost hook returned, or if it returned nothing, the answer from inside it. Without
 * hooks, the handler is called directly.
 *
 * @throws {PostbusError} `POSTBUS_NEXT_NOT_CALLED`, `POSTBUS_NEXT_CALLED_AGAIN`; what hooks and the handler throw.
 */
export function aroundHandle<Handled extends { readonly context: { readonly signal: AbortSignal } }>(
  hooks: readonly HookAround<Handled, NextHandle>[],
  handling: Handled,
  handle: () => unknown,
): unknown {
  return hooks.length === 0 ? handle() : from(0)

  async function from(place: number): Promise<unknown> {
    const hook = hooks[place]
    if (!hook) return begun()
    const { returned, inside } = await passed<void, unknown>({
      of: hook.of,
      hook: (next) => hook.run(handling, () => next()),
      inside: () => from(place + 1),
    })
    if (returned !== undefined) return returned
    if (inside) return inside
    throw notCalled(hook.of)
  }

  /**
   * If a hook has waited until the attempt timed out or the claim was lost, the handler must not begin: it could run beside its own next
   * attempt.
   */
  function begun(): unknown {
    handling.context.signal.throwIfAborted()
    return handle()
  }
}

function notCalled(of: string): PostbusError {
  return new PostbusError(
    'POSTBUS_NEXT_NOT_CALLED',
    `Middleware ${of} has neither called next() nor returned an outcome. Return skip(…), discard(…), snooze(…) or a value, or call next().`,
  )
}
