/** Effects that wait until the test lets them end, so that the test can look while messages are in hand. Each effect then stores its note. */
import { note, type AnyMessage } from './second-bus.ts'

export function heldNotes() {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  let [now, most] = [0, 0]
  return {
    /** Resolves when the first effect has begun. */
    begun,
    /** Lets the waiting effects end, and all later ones too. */
    finish,
    /** The number of effects that run now, and the highest number so far. */
    running: () => ({ now, most }),
    async effects(message: AnyMessage, _received: unknown, { tx }: { readonly tx: unknown }): Promise<void> {
      begin()
      now += 1
      most = Math.max(most, now)
      await enough
      await note(message, tx)
      now -= 1
    },
  }
}
