/** The endpoint of a webhook: as the application gives it, and as Postbus has checked it. */
import { PostbusError } from '../../errors.ts'
import { isPlainObject } from '../../realm.ts'
import { keysOf } from './signature.ts'

export interface WebhookEndpoint {
  readonly url: string
  /** `whsec_` and 24 to 64 bytes in base64. While the secret is being changed, a list of the new one and the old one. */
  readonly secret: string | readonly string[]
  /** Sent with every message. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface CheckedEndpoint {
  readonly url: URL
  readonly keys: readonly Buffer[]
  readonly headers: Readonly<Record<string, string>>
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`. The error shows neither the secret nor the URL's path, which is often a secret too. */
export function checkedEndpoint(
  endpoint: WebhookEndpoint,
  { allowHttp }: { readonly allowHttp: boolean },
): CheckedEndpoint {
  if (!isPlainObject(endpoint)) throw invalid('expected an object with `url` and `secret`')
  return Object.freeze({
    url: urlOf(endpoint.url, allowHttp),
    keys: keysOf(endpoint.secret),
    headers: checkedHeaders(endpoint.headers ?? {}),
  })
}

function urlOf(text: unknown, allowHttp: boolean): URL {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (!url) throw invalid('expected `url` to be an absolute URL')
  if (url.protocol === 'https:' || (allowHttp && url.protocol === 'http:')) return url
  const mend = url.protocol === 'http:' ? ': give the target `allowHttp: true`, or take https' : ''
  throw invalid(`expected \`url\` to begin with https:, but it begins with ${url.protocol}${mend}`)
}

/** Headers that Postbus sets itself, so an endpoint cannot set them. */
const OWN = /^(?:webhook-.*|ce-.*|content-length|content-type|host|connection|transfer-encoding)$/
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e]*$/

function checkedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const lower = Object.entries(headers).map(([name, value]) => {
    const key = name.toLowerCase()
    if (!HEADER_NAME.test(key) || OWN.test(key)) throw invalid(`its header ${JSON.stringify(name)} cannot be set`)
    if (typeof value !== 'string' || !HEADER_VALUE.test(value))
      throw invalid(`the value of its header ${JSON.stringify(name)} is not text that HTTP can carry`)
    return [key, value] as const
  })
  return Object.freeze(Object.fromEntries(lower))
}

function invalid(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `The endpoint of a webhook: ${problem}.`)
}
