/** HTML as the page writes it: Hono's tagged template, which escapes every value that is not markup itself. */
import { html as template } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** What `html` returns. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

/**
 * What may stand in a template. No objects: Hono would take one with a field `isEscaped` for markup, and the fields of stored data
 * are not ours. `null`, `undefined` and booleans are nothing.
 */
type Value = string | number | boolean | null | undefined | Markup | readonly Value[]

export const html: (strings: TemplateStringsArray, ...values: readonly Value[]) => Markup = template
