/** What the relay tells all readers, after each group and every second: how far the stream is filled. */
import { z } from 'zod'

const progressSchema = z.object({
  /** Everything up to this number is in the stream. */
  number: z.int(),
  /** The number of the last event in the stream. */
  last: z.int(),
  /** The number of the last event in each partition. */
  lastOf: z.array(z.int()),
  /** When the stream was made: it may be deleted, and made again. */
  created: z.string(),
  /** How many messages this relay has erased. */
  erased: z.int(),
  /** The life of the Postgres server from which it is filled. */
  life: z.string().nullable(),
})

export type RelayProgress = Readonly<z.output<typeof progressSchema>>

export function encodeProgress(progress: RelayProgress): string {
  return JSON.stringify(progress)
}

/** Returns `null` for a message that is not ours. */
export function decodeProgress(json: string): RelayProgress | null {
  try {
    return progressSchema.safeParse(JSON.parse(json)).data ?? null
  } catch {
    return null
  }
}
