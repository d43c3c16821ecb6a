/** Effects that wait until the test lets them end, so that it can look while messages are in hand. Then each is noted. */
import { note, type AnyMessage } from './second-bus.ts'

export function heldNotes() {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  let [now, most] = [0, 0]
  return {
    /** Resolves when the first has begun. */
    begun,
    /** Lets those that wait end, and the later ones too. */
    finish,
    /** How many run now, and how many did at most. */
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
