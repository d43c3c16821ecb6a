/**
 * The one place where a handler is called: with its event and its context, under its deadline. This is the last step of an attempt
 * (`run-attempt.ts`). The inline backend and `runEvent` have no stored row to open, so they begin here.
 */
import type { Answer, HandlerCall } from './handler-call.ts'
import { reportOverdue } from './attempt-signals.ts'
import { contextFor, type ContextParts } from './context-for.ts'
import type { Deadlines } from './deadlines.ts'
import { aroundHandle } from '../middleware/around-handle.ts'
import { handleHooks } from '../middleware/channels.ts'
import type { Hooks } from '../middleware/hooks.ts'
import { traceAttempt, type TracedAttempt } from '../publishing/trace.ts'

export interface CallParts extends ContextParts {
  readonly deadlines: Deadlines
  /** The hooks that run around handlers. They too must end before the deadline. */
  readonly middleware: Hooks
}

/** Never throws or rejects: an error of the handler is an answer too. Returns a promise only if the handler returns one. */
export function callHandler(call: HandlerCall, parts: CallParts): Answer | Promise<Answer> {
  const began = performance.now()
  const trace = traceAttempt(call.event, call.handler.name)
  try {
    // The registry matched the event to the handler by type and version; only the compiler cannot know.
    const returned = trace.run(() => {
      const { event, handler } = call
      const context = contextFor(call, parts)
      const hooks = handleHooks(parts.middleware)
      const handle = () => handler.handle(event as never, context as never)
      return hooks.length === 0 ? handle() : aroundHandle(hooks, { event, handler: handler.name, context }, handle)
    })
    if (isThenable(returned)) return answerOf(returned, { call, parts, began, trace })
    trace.end()
    return { threw: false, value: returned }
  } catch (error) {
    trace.end()
    return { threw: true, error }
  }
}

interface Begun {
  readonly call: HandlerCall
  readonly parts: CallParts
  readonly began: number
  readonly trace: TracedAttempt
}

/** No timer can fire before the handler has returned its promise. So the time limit is watched from then on. */
async function answerOf(returned: PromiseLike<unknown>, { call, parts, began, trace }: Begun): Promise<Answer> {
  const deadline = parts.deadlines.start(call, () => reportOverdue(parts.emit, call.delivery), began)
  const answer = await settled(returned)
  trace.end()
  return deadline.end(answer)
}

async function settled(returned: PromiseLike<unknown>): Promise<Answer> {
  try {
    return { threw: false, value: await returned }
  } catch (error) {
    return { threw: true, error }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof (value as { readonly then?: unknown }).then === 'function'
}
