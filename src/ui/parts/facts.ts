/** A list of names and values about one thing. */
import { html, type Markup } from '../html.ts'

/** Facts whose value is `null` are left out. */
export function facts(pairs: readonly (readonly [name: string, value: string | Markup | null])[]): Markup {
  return html`<dl class="facts">
    ${pairs.map(
      ([name, value]) =>
        value !== null &&
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}
