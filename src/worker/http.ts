/**
 * Tells orchestrators and Prometheus about a worker, as a web `fetch` handler: `/livez`, `/readyz` and `/metrics`. Only the end of the path
 * counts, so it can be mounted below any other path. It shows names of handlers and event types, and numbers, but no content of events.
 */
import { z } from 'zod'
import { performance } from '../clock.ts'
import type { BacklogReport } from '../deliveries/backlog.ts'
import { CONTENT_TYPE, prometheusText } from '../metrics/prometheus.ts'
import { recorderOf } from '../metrics/recorder.ts'
import { sparingly, standing } from '../metrics/standing.ts'
import { STANDING, WORK } from '../metrics/metrics.ts'
import { parseOptions } from '../parse-options.ts'
import type { BusName } from '../signals.ts'
import { withinMs } from './within.ts'

/** Takes a request and resolves with the response. Never rejects. */
export type WorkerHttp = (request: Request) => Promise<Response>

/** What the handler needs of the worker's bus. */
export interface HttpParts {
  isOurs(bus: BusName): boolean
  /** Resolves when the database has answered. */
  ping(): Promise<unknown>
  /** Rejects when the backlog is not known: the metrics then leave it out. */
  backlog(): Promise<BacklogReport>
}

/** The state of a worker. */
export interface HttpWorker {
  readonly over: AbortSignal
  /** What keeps it from working, in words; `null`: it works. */
  hindrance(): string | null
}

export interface WorkerHttpOptions {
  /** `/metrics` asks the database for the backlog at most this often, in milliseconds. Default: 15,000. */
  readonly backlogEveryMs?: number
}

const httpOptions = z.strictObject({ backlogEveryMs: z.int().min(1_000).max(3_600_000).default(15_000) })

/** The database has to answer within this time, or the worker is not ready. */
const ANSWER_MS = 2_000
/** Probes that come more often share an answer. */
const PING_EVERY_MS = 1_000
/** If the backlog takes longer than this, the metrics leave it out: that is better than no metrics. */
const BACKLOG_MS = 5_000

const METRICS = [...Object.values(WORK), ...Object.values(STANDING)]

export function workerHttp(worker: HttpWorker, parts: HttpParts, options: WorkerHttpOptions = {}): WorkerHttp {
  const { backlogEveryMs } = parseOptions('worker.http()', httpOptions, options)
  const recorder = recorderOf((bus) => parts.isOurs(bus))
  worker.over.addEventListener('abort', recorder.stop, { once: true })
  const reached = sparingly(() => reachedOf(parts), PING_EVERY_MS)
  const look = sparingly(() => parts.backlog(), backlogEveryMs)

  const pages: Readonly<Record<string, () => Response | Promise<Response>>> = {
    livez: () => text('alive\n'),
    async readyz() {
      const reasons = [worker.hindrance(), await reached()].filter((reason) => reason !== null)
      return json({ ready: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503)
    },
    async metrics() {
      const report = await withinMs(BACKLOG_MS, look()).catch(() => null)
      return text(prometheusText(METRICS, recorder.series, report ? standing(report) : []), { type: CONTENT_TYPE })
    },
  }
  return async ({ method, url }) => {
    const name = new URL(url).pathname.split('/').at(-1) ?? ''
    const page = Object.hasOwn(pages, name) ? pages[name] : undefined
    if (!page) return text('There are /livez, /readyz and /metrics.\n', { status: 404 })
    if (method !== 'GET' && method !== 'HEAD') return text('Only GET and HEAD.\n', { status: 405 })
    const response = await page()
    return method === 'GET' ? response : new Response(null, response)
  }
}

/** Returns why the database cannot be reached; `null` if it can. It leaves out the error's own text, which may show where the database is. */
async function reachedOf({ ping }: HttpParts): Promise<string | null> {
  const began = performance.now()
  const answered = await withinMs(
    ANSWER_MS,
    ping().then(
      () => true,
      () => false,
    ),
  )
  if (answered) return null
  if (answered === false) return 'the database cannot be reached'
  return `the database has not answered for ${((performance.now() - began) / 1_000).toFixed(1)} s`
}

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

function text(body: string, { status = 200, type = 'text/plain; charset=utf-8' } = {}): Response {
  return new Response(body, { status, headers: { ...HEADERS, 'content-type': type } })
}

function json(body: object, status: number): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { ...HEADERS, 'content-type': 'application/json' },
  })
}
