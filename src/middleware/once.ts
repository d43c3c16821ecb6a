/** Runs one hook: it lets the hook call `next` at most once, and only while the hook itself runs. */
import { PostbusError } from '../errors.ts'

export interface HookRun<Given, Result> {
  readonly of: string
  readonly hook: (next: (given: Given) => Promise<Result>) => unknown
  readonly inside: (given: Given) => Promise<Result>
}

/** A hook that has returned. */
export interface Passed<Result> {
  readonly returned: unknown
  /** The settled result of what is inside the hook; `null` when the hook did not call `next`. */
  readonly inside: Promise<Result> | null
}

/**
 * Runs the hook, and rejects with what it threw. It always waits for what is inside the hook: a handler or a publish that still runs
 * must not count as ended. After the hook has ended, `next` starts nothing.
 */
export async function passed<Given, Result>({ of, hook, inside }: HookRun<Given, Result>): Promise<Passed<Result>> {
  let begun: Promise<Result> | null = null
  let again: PostbusError | null = null
  let isOver = false

  const next = (given: Given): Promise<Result> => {
    if (begun === null && !isOver) return observed((begun = inside(given)))
    again = calledAgain(of, isOver)
    return observed(Promise.reject(again))
  }
  try {
    const returned = await hook(next)
    await settled(begun)
    if (again) throw again as PostbusError // also if the hook has caught it
    return { returned, inside: begun }
  } finally {
    isOver = true
    await settled(begun)
  }
}

/** A hook need not await the promise of `next`. Its rejection is not lost, because the promise is checked when the hook has ended. */
function observed<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined)
  return promise
}

async function settled(promise: Promise<unknown> | null): Promise<void> {
  await promise?.catch(() => undefined)
}

function calledAgain(of: string, isOver: boolean): PostbusError {
  const when = isOver ? 'after it had ended' : 'twice'
  return new PostbusError(
    'POSTBUS_NEXT_CALLED_AGAIN',
    `Middleware ${of} has called next() ${when}: expected one call, awaited before the hook returns. What is inside was not run by it.`,
  )
}
