/** What the relay tells all readers, after each group and every second: how far the stream is filled. */
import { z } from 'zod'

/** Everything up to `number` is in the stream, and the last message of it has `sequence`. */
const news = z.object({
  number: z.int(),
  sequence: z.int(),
  /** The last sequence of each partition. */
  last: z.array(z.int()),
  /** When the stream was made: it may be deleted, and made again. */
  created: z.string(),
  /** The life of the Postgres server from which it is filled. */
  life: z.string().nullable(),
})

export type News = Readonly<z.output<typeof news>>

export function encodeNews(told: News): string {
  return JSON.stringify(told)
}

/** Returns `null` for a message that is not ours. */
export function decodeNews(json: string): News | null {
  try {
    return news.safeParse(JSON.parse(json)).data ?? null
  } catch {
    return null
  }
}
