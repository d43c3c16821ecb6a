/** Pages for what is not there, what was asked wrongly, and what went wrong. */
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

/** Of errors that are not ours, those who see no data are told nothing: a database's message can hold the values of a row. */
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
  /** Above the list, and above what is wrong. */
  readonly form: Markup
}

/** A list below its form; what the form asks wrongly is told in its place, and what was filled in stays. */
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
