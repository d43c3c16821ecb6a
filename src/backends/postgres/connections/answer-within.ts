/**
 * Limits how long we wait for an answer. pg's own limit fires as soon as a blocked event loop continues, before it reads an answer that
 * arrived long ago: a claim and a connection would be lost that way.
 */
import { clearTimeout, performance, setTimeout } from '../../../clock.ts'

/** Given to pg, so that its own limit never fires: the longest time that a timer can wait. */
export const NEVER_MS = 2_147_483_647
/** A timer that fires this late was delayed itself. Then the wait goes on for `TIME_TO_READ_MS`, to read an answer that has arrived. */
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
