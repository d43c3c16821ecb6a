/** What an action has brought, told on the page that it goes back to. In a cookie, not in the address: a link must not be able to say it. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { cookieOptions } from './token.ts'

const COOKIE = 'postbus_notice'
const MOST_CHARACTERS = 500

export function leaveNotice(context: Context, base: string, text: string): void {
  const value = Buffer.from(text.slice(0, MOST_CHARACTERS).toWellFormed()).toString('base64url')
  setCookie(context, COOKIE, value, { ...cookieOptions(context, base), maxAge: 60 })
}

/** Shown once. */
export function takeNotice(context: Context, base: string): string | null {
  const value = getCookie(context, COOKIE)
  if (value === undefined) return null
  deleteCookie(context, COOKIE, { path: base || '/' })
  return Buffer.from(value, 'base64url').toString().slice(0, MOST_CHARACTERS)
}
