/** Pages for a missing page, for invalid input, and for an error. */
import { safeTextOfError } from '../../error-text.ts'
import { PostbusError } from '../../errors.ts'
import { asked } from '../asked.ts'
import { html, type Markup } from '../html.ts'
import { link, wayBack } from '../link.ts'
import type { Page, Visit } from '../visit.ts'

export function notFound(visit: Visit, what = 'There is no such page.'): Page {
  return {
    title: 'Not found',
    status: 404,
    body: html`<p>${what}</p>
      <p><a href="${link(visit, '/')}">To the first page</a></p>`,
  }
}

/** Viewers who see no data do not see the message of a foreign error either: a database's message can contain the values of a row. */
export function problemOf(error: unknown, visit: Visit): Page {
  const isOurs = error instanceof PostbusError
  const isTold = isOurs || visit.viewer.showData
  const back = asked(visit.query, 'back')
  return {
    title: isOurs ? 'This could not be done' : 'Something went wrong',
    status: isOurs && error.code !== 'POSTBUS_DATABASE_UNREACHABLE' ? 409 : 503,
    body: html`<p class="problem" role="alert">
        ${isOurs ? html`<code>${error.code}</code> ` : ''}${isTold ? safeTextOfError(error) : 'See the log of the service, or ask someone with full access.'}
      </p>
      ${back === null ? '' : html`<p><a class="button" href="${wayBack(visit, back)}">Back</a></p>`}`,
  }
}

interface List {
  readonly title: string
  /** Shown above the list, or above the error. */
  readonly form: Markup
}

/** A list below its form. If the form's input is invalid, an error takes the place of the list, and the form keeps the input. */
export async function orWhatIsWrong({ title, form }: List, show: () => Promise<Markup>): Promise<Page> {
  try {
    return { title, body: html`${form} ${await show()}` }
  } catch (error) {
    if (!(error instanceof PostbusError) || error.code !== 'POSTBUS_INVALID_OPTIONS') throw error
    const body = html`${form}
      <p class="problem" role="alert">${error.message}</p>`
    return { title, status: 400, body }
  }
}
