/** Looks at the operator page as a browser without JavaScript does: keeps cookies, follows redirects, and posts forms that it was shown. */
import type { OperatorPage } from '../../src/ui/index.ts'

const ORIGIN = 'https://shop.example'

export interface Shown {
  readonly status: number
  /** The address after all redirects: path and query. */
  readonly at: string
  readonly html: string
  /** The text that a person reads, on one line. */
  readonly text: string
  readonly headers: Headers
}

export interface Visitor {
  readonly origin: string
  get(path: string): Promise<Shown>
  /** Submits a form of the page. `fields` adds fields or replaces their values. `headers` replaces the headers that a browser would send. */
  submit(shown: Shown, fields?: Fields, headers?: Readonly<Record<string, string>>): Promise<Shown>
  /** The cookies as the browser has them now. */
  readonly cookies: ReadonlyMap<string, string>
}

type Fields = Readonly<Record<string, string>>

/** To visit a page over HTTP, pass `{ fetch }` as `page` and the address of the server as `origin`. */
export function visitorOf(page: OperatorPage, origin = ORIGIN): Visitor {
  const cookies = new Map<string, string>()

  async function send(path: string, init: RequestInit = {}, redirects = 5): Promise<Shown> {
    const headers = new Headers(init.headers)
    headers.set('cookie', Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; '))
    const response = await page.fetch(new Request(origin + path, { ...init, headers, redirect: 'manual' }))
    for (const cookie of response.headers.getSetCookie()) keep(cookies, cookie)
    const to = response.headers.get('location')
    if (to !== null && redirects > 0) return send(to, {}, redirects - 1)
    const html = await response.text()
    return { status: response.status, at: path, html, text: textOf(html), headers: response.headers }
  }

  return {
    origin,
    cookies,
    get: (path) => send(path),
    submit: (shown, fields = {}, headers = { origin, 'sec-fetch-site': 'same-origin' }) => {
      const form = postedForm(shown.html)
      const body = new URLSearchParams(form.fields)
      for (const [name, value] of Object.entries(fields)) body.set(name, value)
      return send(form.action, { method: 'POST', body, headers })
    },
  }
}

function keep(cookies: Map<string, string>, cookie: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
  if (value === '' || /max-age=0/i.test(cookie)) cookies.delete(name)
  else cookies.set(name, value)
}

function postedForm(html: string): { readonly action: string; readonly fields: [string, string][] } {
  const [form = ''] = /<form[^>]*method="post"[\s\S]*?<\/form>/.exec(html) ?? []
  const action = decoded(/action="([^"]*)"/.exec(form)?.[1] ?? '')
  if (action === '') throw new Error('The page has no form that is posted.')
  const inputs = form.matchAll(/<input[^>]*>/g)
  const fields = Array.from(inputs, ([input]): [string, string] => [
    attribute(input, 'name'),
    attribute(input, 'value'),
  ])
  return { action, fields }
}

function attribute(tag: string, name: string): string {
  return decoded(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
}

export function textOf(html: string): string {
  return decoded(
    html.replace(/<(?:script|style|head)[\s\S]*?<\/(?:script|style|head)>/g, '').replaceAll(/<[^>]*>/g, ' '),
  )
    .replaceAll(/\s+/g, ' ')
    .trim()
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }

function decoded(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ENTITIES[name] ?? '')
}
