/** Waits in tests: for something to become true, never for time to pass. */

const LIMIT_MS = 15_000
const LOOK_EVERY_MS = 20

/** Resolves as soon as `condition` holds; fails with `what` when it does not within the limit. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs: number = LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited ${limitMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
