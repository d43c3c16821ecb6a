/** Addresses within the page: always below where it is mounted, and with every value encoded. */
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

/** The address of what is shown now, with some values changed: its filter stays. */
export function linkHere(visit: Pick<Site, 'base'> & { path: string; query: URLSearchParams }, values: Values): string {
  return link(visit, visit.path, { ...Object.fromEntries(visit.query), ...values })
}

/** Where an action goes back to: the address within the page that it came from. */
export function here({ path, query }: { readonly path: string; readonly query: URLSearchParams }): string {
  return query.size > 0 ? `${path}?${query.toString()}` : path
}

/**
 * The way back as a request gives it, which anyone may have written: only an address within the page, or the first page. A browser reads
 * `\\` as `/` and leaves out line breaks, so that `/\\evil.example` would be another site.
 */
export function wayBack({ base }: Pick<Site, 'base'>, given: string | null): string {
  const isWithin = given !== null && /^\/(?![/\\])[\x21-\x7e]*$/.test(given) && !given.includes('\\')
  if (!isWithin) return `${base}/`
  const { pathname, search } = new URL(given, 'http://within')
  return pathname.startsWith('//') ? `${base}/` : `${base}${pathname}${search}`
}
