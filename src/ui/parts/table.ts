/** A dense table. If it is wider than the screen, only the table scrolls, also by keyboard. */
import { html, type Markup } from '../html.ts'

export interface Column {
  readonly head: string | Markup
  /** Right-aligned, with tabular digits. */
  readonly isNumber?: boolean
}

export type Cell = string | Markup

interface Table {
  /** What the table is about: read out by screen readers, and not shown. */
  readonly label: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** Shown in place of the table when there are no rows. */
  readonly empty: string | Markup
}

export function table({ label, columns, rows, empty }: Table): Markup {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${columns.map(({ head, isNumber }) => html`<th scope="col" ${numeric(isNumber)}>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((cells) => row(cells, columns))}
      </tbody>
    </table>
  </div>`
}

function row(cells: readonly Cell[], columns: readonly Column[]): Markup {
  return html`<tr>
    ${cells.map((cell, at) => html`<td ${numeric(columns[at]?.isNumber)}>${cell}</td>`)}
  </tr>`
}

function numeric(isNumber: boolean | undefined): Markup | string {
  return isNumber ? html`class="n"` : ''
}
