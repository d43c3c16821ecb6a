/** The routes of the operator page, and what applies to all of them: headers, the origin check, the token, and the handling of errors. */
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import type { Viewer } from './access.ts'
import { assetNamed } from './assets.ts'
import type { Doing } from './doing/doing.ts'
import { forbidden, perform, previewPage } from './doing/do-pages.ts'
import { DOINGS } from './doing/doings.ts'
import { document } from './layout/document.ts'
import { notFound, problemOf } from './layout/problem.ts'
import { leaveNotice, takeNotice } from './notice.ts'
import { overviewOf, type Overview } from './overview.ts'
import { PAGES } from './pages.ts'
import { isTokenRight, tokenOf } from './token.ts'
import type { ShowPage, Site, Visit } from './visit.ts'

export interface Env {
  Bindings: { readonly viewer: Viewer }
  Variables: { visit: Visit }
}

const STALE = 'This form was not made for this browser, or is too old: go back, load the page again, and repeat it.'
const FORM = /^application\/x-www-form-urlencoded(?:;|$)/i
const MOST_POSTED_BYTES = 256 * 1024
const NONE = ["'none'"]
const SELF = ["'self'"]

/** The page is a guest on the application's origin. So it sets no header that affects more than this page, such as HSTS. */
const HEADERS = {
  contentSecurityPolicy: {
    defaultSrc: NONE,
    scriptSrc: SELF,
    styleSrc: SELF,
    imgSrc: SELF,
    connectSrc: SELF,
    formAction: SELF,
    frameAncestors: NONE,
    baseUri: NONE,
  },
  xFrameOptions: 'DENY',
  // With `no-referrer`, browsers send `Origin: null` with a form.
  referrerPolicy: 'same-origin',
  strictTransportSecurity: false,
  originAgentCluster: false,
} as const

export function makeApp(site: Site): Hono<Env> {
  const app = new Hono<Env>({ strict: false }) // with and without a slash at the end
  const overview = overviewOf(site.bus)

  app.use(secureHeaders(HEADERS))
  app.use(csrf({ origin: isOwnOrigin }))
  app.use(async (context, next) => {
    context.set('visit', visitOf(context, site, overview))
    await next()
  })
  app.get(
    routeOf(site, '/assets/:file'),
    (context) => assetNamed(context.req.param('file') ?? '') ?? context.notFound(),
  )
  for (const [path, show] of PAGES) app.get(routeOf(site, path), (context) => send(context, show))
  for (const [name, doing] of Object.entries(DOINGS)) {
    const route = routeOf(site, `/do/${name}`)
    app.get(route, (context) => send(context, (visit) => previewPage(visit, doing)))
    app.post(route, bodyLimit({ maxSize: MOST_POSTED_BYTES }), (context) => act(context, doing))
  }
  app.notFound((context) => send(context, notFound))
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse()
    return send(context, (visit) => problemOf(error, visit))
  })
  return app
}

/** Accepts the origin of the request's URL or of the Host header: Next writes a host name of its own into the URL. */
function isOwnOrigin(origin: string, { req }: Context): boolean {
  const { origin: own, protocol } = new URL(req.url)
  const host = req.header('host')
  return origin === own || (host !== undefined && origin === `${protocol}//${host}`)
}

async function act(context: Context<Env>, doing: Doing): Promise<Response> {
  const visit = context.get('visit')
  if (visit.viewer.level !== 'all') return send(context, () => forbidden('Your access is for reading.'))
  if (!FORM.test(context.req.header('content-type') ?? '')) return send(context, () => forbidden('Expected a form.'))
  const values = new URLSearchParams(await context.req.text())
  if (!isTokenRight(context, values.get('token'))) return send(context, () => forbidden(STALE))
  context.set('visit', { ...visit, query: values }) // an error page then links back to where the form says
  const { notice, goTo } = await perform(visit, doing, values)
  leaveNotice(context, visit.base, notice)
  return context.redirect(goTo, 303)
}

function routeOf({ base }: Site, path: string): string {
  return path === '/' && base !== '' ? base : base + path
}

function visitOf(context: Context<Env>, site: Site, overview: Overview): Visit {
  const { pathname, searchParams } = new URL(context.req.url)
  const { viewer } = context.env
  return {
    ...site,
    viewer,
    path: pathname.startsWith(site.base) ? pathname.slice(site.base.length) || '/' : pathname,
    parameter: (name) => context.req.param(name) ?? '',
    query: searchParams,
    token: viewer.level === 'all' ? tokenOf(context, site.base) : '',
    notice: null,
    overview,
  }
}

async function send(context: Context<Env>, show: ShowPage): Promise<Response> {
  const visit = context.get('visit')
  const page = await show(visit)
  if ('goTo' in page) return context.redirect(page.goTo, 303)
  context.header('cache-control', 'no-store')
  const notice = takeNotice(context, visit.base)
  return context.html(document({ ...visit, notice }, page), page.status ?? 200)
}
