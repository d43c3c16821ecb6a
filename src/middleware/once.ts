/** Runs one hook around what is inside of it: at most once, and only while the hook itself runs. */
import { PostbusError } from '../errors.ts'

export interface HookRun<Given, Result> {
  readonly of: string
  readonly hook: (next: (given: Given) => Promise<Result>) => unknown
  readonly inside: (given: Given) => Promise<Result>
}

/** A hook that has returned. */
export interface Passed<Result> {
  readonly returned: unknown
  /** What came of the inside, settled; `null` when the hook did not call `next`. */
  readonly inside: Promise<Result> | null
}

/**
 * Rejects with what the hook threw. In any case it waits for what is inside: a handler that still runs must not be taken for one that
 * has ended, nor a publish that is still on its way. After the hook has ended, `next` starts nothing any more.
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

/** A hook may leave its promise alone; its rejection is not lost, because the inside is looked at when the hook has ended. */
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
