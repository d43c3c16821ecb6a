/** Who may see the operator page, and who may act: decided by the application for each request, before anything else happens. */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { storableText } from '../deliveries/storable-text.ts'

/** `all`: sees everything and acts. `read`: sees no personal data, unless `showData` says so, and cannot act. */
export type AccessLevel = 'all' | 'read'

export interface Access {
  readonly level: AccessLevel
  /** Who the viewer is, at most 512 characters: recorded with every act. Default: `operator page`. */
  readonly by?: string
  /**
   * Whether this person sees the data and metadata of events and the messages of errors, and may search in them. Default: only with
   * level `all`.
   */
  readonly showData?: boolean
}

/** `null`: no access. A `Response` is sent as it is, such as a redirect to a login, or a challenge. */
export type AccessAnswer = AccessLevel | Access | Response | null

/** The person who looks at the page. */
export interface Viewer {
  readonly level: AccessLevel
  readonly by: string
  readonly showData: boolean
}

const answer = z.union([
  z.enum(['all', 'read']).transform((level) => ({ level, by: undefined, showData: undefined })),
  z.strictObject({
    level: z.enum(['all', 'read']),
    by: storableText(512).optional(),
    showData: z.boolean().optional(),
  }),
])

/**
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when `access` returned any other value, such as `undefined` from a function that forgot to
 * return. Nothing is served then.
 */
export function viewerOf(given: Exclude<AccessAnswer, Response> | undefined): Viewer | null {
  if (given === null) return null
  const parsed = answer.safeParse(given)
  if (parsed.success) {
    const { level, by = 'operator page', showData = level === 'all' } = parsed.data
    return Object.freeze({ level, by, showData })
  }
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    "operatorPage(): `access` returned something unknown. Expected 'all', 'read', null, { level, by, showData } or a Response.",
  )
}
