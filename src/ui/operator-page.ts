/** `operatorPage`: everything that an operator sees and does, as one web `fetch` handler. */
import { z } from 'zod'
import type { Bus } from '../bus.ts'
import { parseOptions } from '../parse-options.ts'
import type { RecordedEvent } from '../record/recorded-event.ts'
import { viewerOf, type AccessAnswer, type Viewer } from './access.ts'
import { makeApp } from './app.ts'
import { noAccess } from './layout/no-access.ts'

export interface OperatorPageOptions {
  /**
   * Says who may see the page, and who may act. Called for each request, also for the files of the page, before anything else is done. It has
   * no default: without it there is no page. If it throws, `fetch` rejects with that error, and nothing is served.
   */
  readonly access: (request: Request) => AccessAnswer | Promise<AccessAnswer>
  /**
   * Returns what is shown of an event's data, for data that some people should not see. Called for every viewer, also for one without `showData`.
   * Default: all data, for viewers with `showData`, which level `all` has by default. With this option no one can search in data.
   */
  readonly maskData?: (event: RecordedEvent, viewer: Viewer) => unknown
  /** Where the page is mounted, such as `/ops/postbus`: requests keep this path, and links begin with it. Default: at the root. */
  readonly basePath?: string
  /** The title at the top of each page: the name of the service, for people who operate several. Default: `Postbus`. */
  readonly title?: string
}

export interface OperatorPage {
  /** Serves one request. Rejects only when `access` throws, or returns something unknown. */
  fetch(request: Request): Promise<Response>
}

const BASE_PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/

const options = z.strictObject({
  access: z.custom<OperatorPageOptions['access']>((given) => typeof given === 'function', {
    error:
      "expected a function that says who may see the page: access: (request) => isOperator(request) ? 'all' : null. There is no default",
  }),
  maskData: z
    .custom<NonNullable<OperatorPageOptions['maskData']>>((given) => typeof given === 'function', {
      error: 'expected a function that returns what is shown of an event',
    })
    .optional(),
  basePath: z
    .string()
    .regex(BASE_PATH, 'expected a path such as "/ops/postbus", without a slash at its end')
    .default(''),
  title: z.string().trim().min(1).max(80).default('Postbus'),
})

/**
 * Makes the operator page of a bus. It shows what the bus's public functions return, and acts by calling them; each act is recorded with
 * the person who did it. Connects to nothing before the first request.
 *
 * @example
 * const page = operatorPage(bus, {
 *   access: (request) => (isOperator(request) ? { level: 'all', by: nameOf(request) } : null),
 *   basePath: '/ops/postbus',
 * })
 * app.all('/ops/postbus/*', (context) => page.fetch(context.req.raw)) // Hono, for example
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, above all when `access` is missing.
 */
export function operatorPage(bus: Bus, given: OperatorPageOptions): OperatorPage {
  const { access, maskData, basePath, title } = parseOptions('operatorPage()', options, given)
  const app = makeApp({ bus, base: basePath, title, maskData })

  return Object.freeze({
    async fetch(request: Request) {
      const answered = await access(request)
      if (answered instanceof Response) return answered
      const viewer = viewerOf(answered)
      return viewer === null ? noAccess() : app.fetch(request, { viewer })
    },
  })
}
