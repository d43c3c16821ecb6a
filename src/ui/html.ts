/** HTML as the page writes it: Hono's tagged template, which escapes every value that is not markup itself. */
import { html as template } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** What `html` returns. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

/**
 * The values that a template may contain. Objects are not among them: Hono would take an object with a field `isEscaped` for markup, and we do
 * not control the fields of stored data. `null`, `undefined` and booleans print nothing.
 */
type Value = string | number | boolean | null | undefined | Markup | readonly Value[]

export const html: (strings: TemplateStringsArray, ...values: readonly Value[]) => Markup = template
