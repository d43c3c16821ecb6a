/** The relay's report to all readers, after each group and every second: up to which event the stream is filled. */
import { z } from 'zod'

const progressSchema = z.object({
  /** Every event up to this number is in the stream. */
  number: z.int(),
  /** The number of the last event in the stream. */
  last: z.int(),
  /** The number of the last event in each partition. */
  lastOf: z.array(z.int()),
  /** When the stream was created. It changes when the stream is deleted and created again. */
  created: z.string(),
  /** Changes each time the relay erases messages. */
  erased: z.int(),
  /** The life of the Postgres server from which the stream is filled. */
  life: z.string().nullable(),
})

export type RelayProgress = Readonly<z.output<typeof progressSchema>>

export function encodeProgress(progress: RelayProgress): string {
  return JSON.stringify(progress)
}

/** Returns `null` for a message that the relay did not write. */
export function decodeProgress(json: string): RelayProgress | null {
  try {
    return progressSchema.safeParse(JSON.parse(json)).data ?? null
  } catch {
    return null
  }
}
