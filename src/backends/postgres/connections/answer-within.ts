/**
 * How long to wait for an answer. pg's own limit fires as soon as the event loop goes round again after it stood still, before the
 * answer is read that has long been there: a claim would be lost that way, and a connection.
 */
import { clearTimeout, performance, setTimeout } from '../../../clock.ts'

/** For pg: no limit of its own. The longest that a timer can wait. */
export const NEVER_MS = 2_147_483_647
/** A timer that comes so late was held up. Then there is this much time left to read what has come. */
const LATE_MS = 100
const TIME_TO_READ_MS = 500

export async function answerWithin<Answer>(ms: number, answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const dueAt = performance.now() + ms
    const fail = () => reject(new Error('Query read timeout'))
    timer = setTimeout(() => {
      if (performance.now() - dueAt < LATE_MS) fail()
      else timer = setTimeout(fail, TIME_TO_READ_MS)
    }, ms)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
