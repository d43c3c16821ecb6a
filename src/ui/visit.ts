/** One request to the page, as its parts see it: who looks, at what, and of which bus. */
import type { Bus } from '../bus.ts'
import type { RecordedEvent } from '../record/recorded-event.ts'
import type { Viewer } from './access.ts'
import type { Markup } from './html.ts'
import type { Overview } from './overview.ts'

/** What is the same for all requests. */
export interface Site {
  readonly bus: Bus
  /** Where the page is mounted: `''`, or a path without a slash at its end. */
  readonly base: string
  readonly title: string
  readonly maskData: ((event: RecordedEvent, viewer: Viewer) => unknown) | undefined
}

export interface Visit extends Site {
  readonly viewer: Viewer
  /** Where this is within the page, such as `/events`. */
  readonly path: string
  /** A part of the path that stands for a value, such as an id; `''` when there is none of this name. */
  parameter(name: string): string
  readonly query: URLSearchParams
  /** What a form carries so that its post is taken. */
  readonly token: string
  /** What the action before has brought; `null`: there was none. */
  readonly notice: string | null
  readonly overview: Overview
}

/** What a page is, without what surrounds it. */
export interface Page {
  readonly title: string
  readonly body: Markup
  readonly status?: 200 | 400 | 403 | 404 | 409 | 503
  /** The parts marked with `data-live` are fetched again every few seconds. */
  readonly isLive?: boolean
}

/** An address of the page to go to instead, made by `link` or `wayBack`. */
export interface GoTo {
  readonly goTo: string
}

export type ShowPage = (visit: Visit) => Promise<Page | GoTo> | Page | GoTo
