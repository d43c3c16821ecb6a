/** Fields of forms: each with a label that is tied to it. */
import { html, type Markup } from '../html.ts'

interface Field {
  readonly name: string
  readonly label: string
  readonly value: string | null
  readonly placeholder?: string
  readonly isRequired?: boolean
  /** The width, in characters. */
  readonly size?: number
}

export function textField({ name, label, value, placeholder = '', isRequired = false, size = 18 }: Field): Markup {
  return html`<label
    ><span>${label}</span
    ><input
      name="${name}"
      value="${value ?? ''}"
      placeholder="${placeholder}"
      size="${size}"
      maxlength="2000"
      autocomplete="off"
      ${isRequired && html`required`}
  /></label>`
}

interface Choice extends Omit<Field, 'placeholder' | 'size'> {
  /** The values to choose from, each with the text that is shown for it. */
  readonly options: readonly (readonly [value: string, shown: string])[]
}

export function choiceField({ name, label, value, options }: Choice): Markup {
  return html`<label
    ><span>${label}</span
    ><select name="${name}">
      ${options.map(([one, shown]) => html`<option value="${one}" ${one === (value ?? '') && html`selected`}>${shown}</option>`)}
    </select></label
  >`
}

export function hidden(name: string, value: string): Markup {
  return html`<input type="hidden" name="${name}" value="${value}" />`
}
