/** Text that an operator gives and Postgres can store: not empty, well formed, without NUL. */
import { z } from 'zod'

export function storableText(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine((text) => !text.includes('\u0000') && text.isWellFormed(), 'expected well-formed text without NUL')
}
