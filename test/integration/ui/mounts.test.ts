/** The operator page in each framework under a path: it is shown, an action works and keeps its filter, and foreign posts are refused. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Module, type INestApplication, type MiddlewareConsumer } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express, { type Express } from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeHandler, operatorPage, type OperatorPage } from '../../../src/ui/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf, type Visitor } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced } from '../../support/stage-for-operators.ts'
import { emptyTables } from '../../support/stored.ts'

interface Mounted {
  readonly port: number
  close(): Promise<void>
}

const FROM_ELSEWHERE = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' },
  {},
]
const RECEIPTS = '/ops/dead-letters?handler=mail.receipt&error=ECONNREFUSED'
let shop: TestBus
let page: OperatorPage

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn({ isMailDown: true, isStockWrong: false }) })
  page = operatorPage(shop.bus, { access: () => ({ level: 'all', by: 'anna' }), basePath: '/ops' })
})

afterAll(() => shop.close())

/** Each mounts the page next to another route of the application. */
const MOUNTS: Readonly<Record<string, () => Promise<Mounted>>> = {
  'node:http': () => listening(onNode(nodeHandler(page))),

  'Express 5': () => listening(inExpress(express())),

  'Express 5 behind parsers that read every body': () =>
    listening(inExpress(express().use(express.urlencoded({ extended: true }), express.json(), express.text()))),

  'Fastify 5': async () => {
    const app = Fastify()
    app.get('/', () => 'the shop')
    await app.register(ops)
    await app.listen({ port: 0 })
    return { port: portOf(app.server), close: () => app.close() }
  },

  Hono: async () => {
    const app = new Hono()
    app.get('/', (context) => context.text('the shop'))
    app.all('/ops/*', (context) => page.fetch(context.req.raw))
    const server = await new Promise<Server>((resolve) => {
      const started = serve({ fetch: app.fetch, port: 0 }, () => resolve(started as Server))
    })
    return { port: portOf(server), close: () => closed(server) }
  },

  'Nest 12, in front of it': async () => {
    const app = await aNest()
    app.use('/ops', nodeHandler(page))
    return listeningNest(app)
  },

  'Nest 12, as a middleware of a module, behind its parsers': async () =>
    listeningNest(await aNest((consumer) => consumer.apply(nodeHandler(page)).forRoutes('ops', 'ops/*path'))),
}

test('docs/operator-page-mounting.md shows what is mounted here', () => {
  const [docs = '', here = ''] = ['docs/operator-page-mounting.md', 'test/integration/ui/mounts.test.ts'].map((file) =>
    readFileSync(file, 'utf8').replaceAll(/\s+/g, ' '),
  )
  const inTable = Array.from(docs.matchAll(/\| `((?:app|consumer)\.[^`]*)`/g), ([, code = '']) => code)
  const inBlock = /async function ops.*?\)\)? \}/.exec(docs)?.[0] ?? ''

  expect(inTable).toHaveLength(4)
  for (const code of [...inTable, inBlock]) expect(here).toContain(code)
})

describe.each(Object.entries(MOUNTS))('in %s', (_, mount) => {
  let mounted: Mounted
  let visitor: Visitor

  beforeAll(async () => {
    mounted = await mount()
    const origin = `http://127.0.0.1:${mounted.port}`
    visitor = visitorOf({ fetch: (request) => fetch(request) }, origin)
    await emptyTables(shop.database)
    await shop.bus.publish(['4711', '4712', '4713'].map((order) => OrderPlaced({ order })))
    await drained(shop.bus)
    return () => mounted.close()
  })

  test('the page is served under its path, with its files, next to the application', async () => {
    const [first, slash, events, elsewhere] = await Promise.all(
      ['/ops', '/ops/', '/ops/events?key=order-4711', '/'].map((path) => visitor.get(path)),
    )
    const file = /href="(\/ops\/assets\/style-[^"]*)"/.exec(first?.html ?? '')?.[1] ?? ''
    const style = await visitor.get(file)

    expect([first?.status, slash?.status, events?.status, style.status]).toEqual([200, 200, 200, 200])
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect(events?.text).toContain('anna@example.org')
    expect(events?.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(elsewhere?.html).toBe('the shop')
  })

  test('a post from another site, from another port of this machine, or from a hidden origin is refused', async () => {
    const preview = await visitor.get('/ops/do/retry-dead-letters?handler=mail.receipt')
    const answers = await Promise.all(FROM_ELSEWHERE.map((headers) => visitor.submit(preview, {}, headers)))

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
    expect((await shop.bus.acts.list()).acts).toEqual([])
  })

  test('all values of a repeated form field arrive', async () => {
    const { deadLetters } = await shop.bus.deadLetters.list({ limit: 2 })
    const chosen = deadLetters.map(({ deliveryId }) => `id=${deliveryId}`).join('&')
    const preview = await visitor.get(`/ops/do/dismiss-dead-letters?${chosen}&back=/dead-letters`)
    const done = await visitor.submit(preview)

    expect(done.text).toContain('2 dead letters are dismissed.')
    expect(await shop.bus.deadLetters.count()).toBe(1)
  })

  test('an action does what it said, and leads back to its filter', async () => {
    const list = await visitor.get(RECEIPTS)
    const preview = await visitor.get(linkIn(list.html, 'retry-dead-letters'))
    const done = await visitor.submit(preview, { reason: 'mail & post = back; ümläut' })

    expect(done).toMatchObject({ status: 200, at: RECEIPTS })
    expect(done.text).toContain('1 dead letter is tried again.')
    expect((await shop.bus.acts.list()).acts).toMatchObject([
      { act: 'deadLetters.retry', by: 'anna', reason: 'mail & post = back; ümläut', count: 1 },
      { act: 'deadLetters.dismiss', by: 'anna', count: 2 },
    ])
  })
})

async function ops(app: FastifyInstance) {
  const handler = nodeHandler(page)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => done(null))
  for (const path of ['/ops', '/ops/*']) app.all(path, (request, reply) => handler(request.raw, reply.hijack().raw))
}

function inExpress(app: Express): RequestListener {
  app.get('/', (_request, response) => void response.send('the shop'))
  return app.use('/ops', nodeHandler(page)) as RequestListener
}

function onNode(handler: ReturnType<typeof nodeHandler>): RequestListener {
  return (request, response) => {
    if (request.url?.startsWith('/ops')) void handler(request, response)
    else response.end('the shop')
  }
}

async function aNest(configure: (consumer: MiddlewareConsumer) => void = () => undefined): Promise<INestApplication> {
  class Shop {
    configure(consumer: MiddlewareConsumer) {
      configure(consumer)
    }
  }
  Module({})(Shop)
  return NestFactory.create(Shop, { logger: false })
}

async function listeningNest(app: INestApplication): Promise<Mounted> {
  app
    .getHttpAdapter()
    .get('/', (_request: unknown, response: { send(text: string): void }) => response.send('the shop'))
  await app.listen(0)
  return { port: portOf(app.getHttpServer() as Server), close: () => app.close() }
}

async function listening(listener: RequestListener): Promise<Mounted> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return { port: portOf(server), close: () => closed(server) }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port
}

function linkIn(html: string, action: string): string {
  return new RegExp(`href="([^"]*/do/${action}[^"]*)"`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
}
