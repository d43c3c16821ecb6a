/**
 * A token against forged forms, in addition to the origin check: a posted form must carry the value of a cookie, which another site can neither
 * read nor set. It needs no memory and no secret, so that each of several processes accepts a form that another one has shown.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

const COOKIE = 'postbus_token'
const TOKEN = /^[\w-]{43}$/

/** The token of this browser; a new one is set as a cookie. */
export function tokenOf(context: Context, base: string): string {
  const known = getCookie(context, COOKIE)
  if (known !== undefined && TOKEN.test(known)) return known
  const token = randomBytes(32).toString('base64url')
  setCookie(context, COOKIE, token, cookieOptions(context, base))
  return token
}

export function isTokenRight(context: Context, given: unknown): boolean {
  const known = getCookie(context, COOKIE)
  if (known === undefined || !TOKEN.test(known)) return false
  return typeof given === 'string' && TOKEN.test(given) && timingSafeEqual(Buffer.from(known), Buffer.from(given))
}

export function cookieOptions({ req }: Context, base: string) {
  return { path: base || '/', httpOnly: true, sameSite: 'Strict', secure: req.url.startsWith('https:') } as const
}
