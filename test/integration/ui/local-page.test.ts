/** `postbus ui`: the operator page on this machine, for the person who has the link, and for no other site. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as requestOf, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openLocalPage, type LocalPage } from '../../../src/ui/local-page.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { postbus, postbusHere } from '../../support/cli.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced } from '../../support/stage-for-operators.ts'

const MAIN = resolve(import.meta.dirname, '../../../src/cli/main.ts')
const CONFIG = resolve(import.meta.dirname, '../../support/fixtures/cli/postbus.config.ts')
let shop: TestBus
let page: LocalPage

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn({ isMailDown: true, isStockWrong: false }) })
  await shop.bus.publish([OrderPlaced({ order: '4711' }), OrderPlaced({ order: '4712' })])
  await drained(shop.bus)
  page = await openLocalPage(shop.bus, { port: 0, isReadOnly: false, by: 'anna' })
})

afterAll(async () => {
  await page.close()
  await shop.close()
})

describe('the secret of the link', () => {
  test('is exchanged for a cookie that no script and no other site can use, and disappears from the address', async () => {
    const { port, link, secret } = partsOf(page)
    const exchanged = await ask(port, link)
    const cookie = exchanged.cookie.split(';')[0] ?? ''
    const shown = await ask(port, exchanged.headers.location ?? '', { cookie })

    expect(exchanged).toMatchObject({ status: 303, headers: { location: '/', 'referrer-policy': 'no-referrer' } })
    expect(exchanged.cookie).toBe(`postbus_ui_${port}=${secret}; Path=/; HttpOnly; SameSite=Strict`)
    expect(shown).toMatchObject({ status: 200 })
    expect(shown.body).toContain('anna · may act')
    expect(shown.body).not.toContain(secret)
  })

  test('is long, and different each time', async () => {
    const other = await openLocalPage(shop.bus, { port: 0, isReadOnly: true, by: 'anna' })
    onTestFinished(() => other.close())

    expect(partsOf(page).secret).toMatch(/^[\w-]{43}$/)
    expect(partsOf(other).secret).not.toBe(partsOf(page).secret)
  })

  test.each<[string, string, (port: number) => string]>([
    ['without it', '/events', () => ''],
    ['with a wrong one', '/?secret=wrong', () => ''],
    ['with an empty one', '/?secret=', () => ''],
    ['with a wrong cookie', '/', (port) => `postbus_ui_${port}=${'x'.repeat(43)}`],
    ['with the cookie of another port', '/', () => `postbus_ui_1=${partsOf(page).secret}`],
    [
      'with a wrong one beside the right cookie',
      '/?secret=wrong',
      (port) => `postbus_ui_${port}=${partsOf(page).secret}`,
    ],
  ])('%s the page shows nothing', async (_, path, cookieFor) => {
    const { port } = partsOf(page)
    const { status, body, cookie, headers } = await ask(port, path, { cookie: cookieFor(port) })

    expect([401, 403]).toContain(status)
    expect(body).not.toMatch(/order|4711|href|secret=/)
    expect(cookie).toBe('')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
  })
})

describe('a host name that leads to this machine', () => {
  test.each([
    'evil.example',
    'evil.example:PORT',
    'localhost',
    '127.0.0.1:1',
    'localhost.evil.example:PORT',
    '0.0.0.0:PORT',
  ])('is refused, with the secret and with the cookie, when it is %s', async (name) => {
    const { port, link, secret } = partsOf(page)
    const host = name.replace('PORT', String(port))
    const answers = [
      await ask(port, link, { host }),
      await ask(port, '/events', { host, cookie: `postbus_ui_${port}=${secret}` }),
      await ask(port, '/events', { host, cookie: `postbus_ui_${port}=${secret}`, origin: `http://${host}` }, 'POST'),
    ]

    expect(answers.map(({ status }) => status)).toEqual([421, 421, 421])
    for (const { body, cookie } of answers) expect([body.includes('4711'), cookie]).toEqual([false, ''])
  })

  test.each(['localhost', '127.0.0.1', '[::1]'])('is served when it is %s with the port', async (name) => {
    const { port, secret } = partsOf(page)
    const { status } = await ask(port, '/', { host: `${name}:${port}`, cookie: `postbus_ui_${port}=${secret}` })

    expect(status).toBe(200)
  })

  test.each(['evil.example/@127.0.0.1', '127.0.0.1:PORT@evil.example', 'a b'])(
    'is invalid if it is %j',
    async (name) => {
      const { port, secret } = partsOf(page)
      const headers = { host: name.replace('PORT', String(port)), cookie: `postbus_ui_${port}=${secret}` }

      expect((await ask(port, '/', headers)).status).toBe(400)
    },
  )
})

test('a form that another site posts does nothing, even if the cookie comes with it', async () => {
  const { port, origin, link } = partsOf(page)
  const visitor = visitorOf({ fetch: (request) => fetch(request) }, origin)
  await visitor.get(link)
  const preview = await visitor.get('/do/retry-dead-letters?handler=mail.receipt')

  const answers = [
    await visitor.submit(preview, {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
    await visitor.submit(preview, {}, { origin: `http://localhost:${port + 1}`, 'sec-fetch-site': 'same-site' }),
    await visitor.submit(preview, {}, {}),
  ]
  const done = await visitor.submit(preview)

  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
  expect(done.text).toContain('2 dead letters are tried again.')
  expect((await shop.bus.acts.list()).acts).toMatchObject([{ act: 'deadLetters.retry', by: 'anna', count: 2 }])
})

test('read-only shows everything, and changes nothing', async () => {
  const opened = await openLocalPage(shop.bus, { port: 0, isReadOnly: true, by: 'anna' })
  onTestFinished(() => opened.close())
  const { origin, link } = partsOf(opened)
  const visitor = visitorOf({ fetch: (request) => fetch(request) }, origin)
  await visitor.get(link)

  const [events, preview] = [await visitor.get('/events'), await visitor.get('/do/retry-dead-letters?all=yes')]

  expect(events.text).toContain('anna@example.org')
  expect(events.text).toContain('reads only')
  expect(preview.status).toBe(403)
})

describe('the command', () => {
  test('prints only the link on stdout, acts as the user of the system, and ends with Ctrl-C', async () => {
    const child = spawn(process.execPath, [MAIN, 'ui', '--port', '0', '--config', CONFIG], {
      env: { DATABASE_URL: shop.connectionString, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    const { origin, pathname, search } = new URL(line.trim())
    const visitor = visitorOf({ fetch: (request) => fetch(request) }, origin)
    const { text } = await visitor.get(pathname + search)
    child.kill('SIGINT')
    const [code] = (await once(child, 'exit')) as [number]

    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(text).toContain(`${userInfo().username} · may act`)
    expect(code).toBe(0)
  })

  test('listens on the address that a container needs, and still serves only names of this machine', async () => {
    const opened = await openLocalPage(shop.bus, { port: 0, host: '127.0.0.2', isReadOnly: true, by: 'anna' })
    onTestFinished(() => opened.close())
    const { port, link } = partsOf(opened)
    const statusUnder = async (host: string) => (await ask(port, link, { host }, 'GET', '127.0.0.2')).status

    expect(await statusUnder(`localhost:${port}`)).toBe(303)
    expect(await statusUnder(`127.0.0.2:${port}`)).toBe(421)
    await expect(ask(port, link)).rejects.toThrow('ECONNREFUSED')
    for (const [given, why] of [
      ['shop.example', '--host shop.example: expected an IP address such as 0.0.0.0.\n'],
      ['192.0.2.1', 'This machine does not have the address 192.0.2.1.\n'],
    ] as const)
      expect(await postbusHere(shop.connectionString, ['ui', '--host', given])).toMatchObject({ code: 2, err: why })
  })

  test('names a port that is taken, and refuses an invalid one', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo

    const [inUse, none] = await Promise.all(
      [String(port), '70000'].map((given) => postbus(shop.connectionString, ['ui', '--port', given])),
    )

    expect(inUse).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`Port ${port} is taken.`) as unknown })
    expect(none).toMatchObject({ code: 2, err: '--port 70000: expected a number from 0 to 65535.\n' })
  })

  test('names the package to install if hono is missing, and every other command works without it', async () => {
    const hook = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (/^@?hono/.test(name)) throw Object.assign(new Error('no ' + name), { code: 'ERR_MODULE_NOT_FOUND' })
        return next(name, context)
      } })`
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}` }

    const [ui, dead] = await Promise.all(
      [['ui'], ['dead', 'list']].map((words) => postbus(shop.connectionString, words, { env })),
    )

    expect(ui).toMatchObject({ code: 1, out: '', err: expect.stringContaining('Run: npm install hono') as unknown })
    expect(dead?.code).toBe(0)
  })
})

function partsOf({ link }: LocalPage) {
  const url = new URL(link)
  return {
    origin: url.origin,
    port: Number(url.port),
    link: url.pathname + url.search,
    secret: url.searchParams.get('secret') ?? '',
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly cookie: string
  readonly body: string
}

/** A request like that of a browser that was led here by another name. `fetch` sets the Host header itself, so it cannot be used. */
async function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  address = '127.0.0.1',
): Promise<Answer> {
  const sent = requestOf({ host: address, port, path, method, headers: { host: `127.0.0.1:${port}`, ...headers } })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk as string
  const [cookie = ''] = response.headers['set-cookie'] ?? []
  return { status: response.statusCode ?? 0, headers: response.headers, cookie, body }
}
