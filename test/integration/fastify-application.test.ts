/** The Fastify plugin in an application: a worker that ends with the application, and routes that are refused. */
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { postbusFastify, type PostbusFastifyOptions } from '../../src/fastify/index.ts'
import { createBus, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

let opened: TestBus
let app: FastifyInstance

beforeAll(async () => {
  opened = await openTestBus()
})

afterEach(() => app.close())

afterAll(() => opened.close())

async function anApp(options: Partial<PostbusFastifyOptions> = {}): Promise<FastifyInstance> {
  app = fastify()
  await app.register(postbusFastify, { bus: opened.bus, ...options })
  return app
}

test('a worker runs handlers in the same process, and when the application closes, finishes the running ones', async () => {
  const ran: string[] = []
  const handler = handlerThat(async (n) => {
    ran.push(`${n} begins`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    ran.push(`${n} ends`)
  })
  const bus: Bus = createBus({
    connectionString: opened.connectionString,
    handlers: [handler],
    onSignal: () => undefined,
  })
  await bus.migrate()
  await anApp({ bus, worker: { shutdownGraceMs: 10_000 }, closeBus: true })
  app.get('/', async (request) => void (await request.publish(NoteTaken({ n: 1 }))))

  await app.inject('/')
  await until('the handler runs', () => ran.length === 1)
  await app.close()

  expect(ran).toEqual(['1 begins', '1 ends'])
  await expect(bus.events.count()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})

test('a route is refused at its declaration if no transaction can be begun for it', async () => {
  await anApp({ transaction: undefined })

  const declare = () => app.get('/', { config: { transaction: true } }, async () => undefined)

  expect(declare).toThrow('GET / has `config: { transaction: true }`')
  expect(declare).toThrow('does not know how to begin a transaction')
})

test('a route that was declared before the plugin was ready is refused, and does not run without a transaction', async () => {
  let hasRun = false
  app = fastify()
  void app.register(postbusFastify, { bus: opened.bus, transaction: async () => undefined })
  app.get('/', { config: { transaction: true } }, async () => void (hasRun = true))

  const { body } = await app.inject('/')

  expect(body).toContain('Await it first')
  expect(hasRun).toBe(false)
})
