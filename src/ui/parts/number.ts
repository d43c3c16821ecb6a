/** Numbers, and words that go with them. */
import { html, type Markup } from '../html.ts'

export function number(value: number | null): string {
  return value === null ? '–' : value.toLocaleString('en')
}

/** `1 event`, `2,000 events`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

/** A number that links to what it counts. 0 has no link. */
export function countLink(value: number | null, href: string, what: string): Markup {
  if (value === null || value === 0) return html`<span class="none">${value === 0 ? '0' : '–'}</span>`
  return html`<a href="${href}" aria-label="${`${number(value)} ${what}`}">${number(value)}</a>`
}
