/** One request to the page, as its parts see it: the viewer, the address, and the bus. */
import type { Bus } from '../bus.ts'
import type { RecordedEvent } from '../record/recorded-event.ts'
import type { Viewer } from './access.ts'
import type { Markup } from './html.ts'
import type { Overview } from './overview.ts'

/** The fields that are the same for all requests. */
export interface Site {
  readonly bus: Bus
  /** Where the page is mounted: `''`, or a path without a slash at its end. */
  readonly base: string
  readonly title: string
  readonly maskData: ((event: RecordedEvent, viewer: Viewer) => unknown) | undefined
}

export interface Visit extends Site {
  readonly viewer: Viewer
  /** The path within the page, such as `/events`. */
  readonly path: string
  /** The value of a parameter in the path, such as an id; `''` when there is no such parameter. */
  parameter(name: string): string
  readonly query: URLSearchParams
  /** The token that a form must carry so that its post is accepted. */
  readonly token: string
  /** The result of the previous action; `null`: there was none. */
  readonly notice: string | null
  readonly overview: Overview
}

/** A page without its frame. */
export interface Page {
  readonly title: string
  readonly body: Markup
  readonly status?: 200 | 400 | 403 | 404 | 409 | 503
  /** The parts marked with `data-live` are fetched again every few seconds. */
  readonly isLive?: boolean
}

/** Another address within the page to go to instead, made by `link` or `wayBack`. */
export interface GoTo {
  readonly goTo: string
}

export type ShowPage = (visit: Visit) => Promise<Page | GoTo> | Page | GoTo
