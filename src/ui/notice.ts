/** The result of an action, shown on the page that follows. It is in a cookie and not in the address, so that a link cannot fake it. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { cookieOptions } from './token.ts'

const COOKIE = 'postbus_notice'
const MOST_CHARACTERS = 500

export function leaveNotice(context: Context, base: string, text: string): void {
  const value = Buffer.from(text.slice(0, MOST_CHARACTERS).toWellFormed()).toString('base64url')
  setCookie(context, COOKIE, value, { ...cookieOptions(context, base), maxAge: 60 })
}

/** Also deletes the notice, so that it is shown once. */
export function takeNotice(context: Context, base: string): string | null {
  const value = getCookie(context, COOKIE)
  if (value === undefined) return null
  deleteCookie(context, COOKIE, { path: base || '/' })
  return Buffer.from(value, 'base64url').toString().slice(0, MOST_CHARACTERS)
}
