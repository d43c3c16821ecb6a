/** The two steps of an action: a preview of what it will do, and the form's post, which does it. Both are for viewers who may act. */
import { z } from 'zod'
import { asked } from '../asked.ts'
import { html, type Markup } from '../html.ts'
import { link, wayBack } from '../link.ts'
import { hidden, textField } from '../parts/fields.ts'
import type { GoTo, Page, Visit } from '../visit.ts'
import type { Doing, Preview } from './doing.ts'

/** Fields that the form sets itself, or that the operator fills in. A link's value for one of them must not become a second field. */
const OWN: ReadonlySet<string> = new Set(['token', 'count', 'reason', 'to', 'at', 'pending'])

export async function previewPage(visit: Visit, doing: Doing): Promise<Page> {
  if (visit.viewer.level !== 'all') return forbidden('Your access is for reading.')
  const preview = await doing.preview(visit, visit.query)
  const back = wayBack(visit, asked(visit.query, 'back'))
  return {
    title: doing.title,
    body: html`<div class="confirm">
      <p class="says">${preview.says}</p>
      ${preview.warns === undefined ? '' : html`<p class="warn">${preview.warns}</p>`}
      ${preview.count === 0 ? html`<p><a class="button" href="${back}">Back</a></p>` : form(visit, doing, preview)}
    </div>`,
  }
}

function form(visit: Visit, doing: Doing, { count, fields }: Preview): Markup {
  const kept = [...visit.query].filter(([name]) => !OWN.has(name))
  return html`<form method="post" action="${link(visit, visit.path)}">
    ${kept.map(([name, value]) => hidden(name, value))} ${hidden('token', visit.token)}
    ${hidden('count', String(count))} ${fields ?? ''}
    ${textField({ name: 'reason', label: 'Reason (recorded with your name)', value: asked(visit.query, 'reason') })}
    <p class="acts">
      <button class="act">${doing.button}</button>
      <a class="button" href="${wayBack(visit, asked(visit.query, 'back'))}">Cancel</a>
    </p>
  </form>`
}

export interface Done extends GoTo {
  readonly notice: string
}

const counted = z.coerce.number().pipe(z.int().min(1))

/** `values` are the fields of the form; the token and the origin are already checked. */
export async function perform(visit: Visit, doing: Doing, values: URLSearchParams): Promise<Done> {
  const reason = asked(values, 'reason')
  const act = { by: visit.viewer.by, ...(reason !== null && { reason }) }
  const notice = await doing.run(visit, values, { act, most: counted.parse(values.get('count')) })
  return { notice, goTo: wayBack(visit, values.get('back')) }
}

export function forbidden(why: string): Page {
  return { title: 'Not allowed', status: 403, body: html`<p class="problem" role="alert">${why} Nothing was done.</p>` }
}
