/** Checks a caller's options against their schema, at the door, so that the code behind can trust them. */
import { z } from 'zod'
import { PostbusError } from './errors.ts'

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, listing every problem. */
export function parseOptions<Schema extends z.ZodType>(what: string, schema: Schema, given: unknown): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `${what}: its options are not acceptable.\n${z.prettifyError(parsed.error)}`,
  )
}
