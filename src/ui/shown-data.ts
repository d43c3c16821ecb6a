/** Decides how much of an event's data a viewer sees. */
import type { RecordedEvent } from '../record/recorded-event.ts'
import { html, type Markup } from './html.ts'
import { oneLine } from './parts/one-line.ts'
import type { Visit } from './visit.ts'

type Shown = { readonly is: 'hidden' } | { readonly is: 'shown'; readonly data: unknown }

const HIDDEN: Shown = Object.freeze({ is: 'hidden' })

export function shownData({ viewer, maskData }: Pick<Visit, 'viewer' | 'maskData'>, event: RecordedEvent): Shown {
  if (maskData) return { is: 'shown', data: maskData(event, viewer) }
  return viewer.showData ? { is: 'shown', data: event.data } : HIDDEN
}

/** Whether this viewer may search in stored data. With a search, a viewer could find out hidden data word by word. */
export function maySearchData({ viewer, maskData }: Pick<Visit, 'viewer' | 'maskData'>): boolean {
  return viewer.showData && maskData === undefined
}

export const hiddenMark: Markup = html`<span class="hidden">hidden</span>`

export function dataLine(visit: Visit, event: RecordedEvent): Markup | string {
  const shown = shownData(visit, event)
  return shown.is === 'hidden' ? hiddenMark : html`<code>${oneLine(shown.data)}</code>`
}
