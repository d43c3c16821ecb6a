/** Makes addresses within the page: always below its mount path, and with every value encoded. */
import type { Site } from './visit.ts'

export type Values = Readonly<Record<string, string | number | null | undefined>>

/** Values that are `null`, `undefined` or empty are left out. */
export function link({ base }: Pick<Site, 'base'>, path: string, values: Values = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') query.append(name, String(value))
  }
  return `${base}${path}${query.size > 0 ? `?${query.toString()}` : ''}`
}

/** The present address with some values changed; its filter stays. */
export function linkHere(visit: Pick<Site, 'base'> & { path: string; query: URLSearchParams }, values: Values): string {
  return link(visit, visit.path, { ...Object.fromEntries(visit.query), ...values })
}

/** The address within the page that an action comes from, and goes back to. */
export function here({ path, query }: { readonly path: string; readonly query: URLSearchParams }): string {
  return query.size > 0 ? `${path}?${query.toString()}` : path
}

/**
 * The way back that a request gives, if it is an address within the page; otherwise the first page. Anyone may have written the request. A browser
 * reads `\\` as `/` and leaves out line breaks, so `/\\evil.example` would lead to another site.
 */
export function wayBack({ base }: Pick<Site, 'base'>, given: string | null): string {
  const isWithin = given !== null && /^\/(?![/\\])[\x21-\x7e]*$/.test(given) && !given.includes('\\')
  if (!isWithin) return `${base}/`
  const { pathname, search } = new URL(given, 'http://within')
  return pathname.startsWith('//') ? `${base}/` : `${base}${pathname}${search}`
}
