/** The Fastify plugin: the bus for the whole application, transactions for its requests, and a worker that stops with it. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createBus, type Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import type { BusOptions } from '../options.ts'
import { partsOf } from '../publishing/backend-override.ts'
import type { Worker } from '../worker/worker.ts'
import type { PostbusFastifyOptions } from './plugin-options.ts'
import { RequestTransactions, unknownTransaction } from './request-transactions.ts'
import { inTransaction } from './transactional-route.ts'

/**
 * Gives an application one bus, `app.bus`, and its requests `request.publish` and `request.inTransaction`. A route with `config: { transaction: true }`
 * runs in a transaction. Await the registration: the plugin does not see routes that were declared before it.
 *
 * The worker checks the bus when it starts. `app.close()` stops the worker, which first finishes its running handlers.
 *
 * @example
 * await app.register(postbusFastify, { bus, transaction: (work) => db.transaction().execute(work) })
 * app.post('/orders', { config: { transaction: true } }, async (request) => {
 *   await orders.create(request.body, request.tx)
 *   await request.publish(OrderCreated(request.body))
 *   return { is: 'created' }
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`; `POSTBUS_TRANSACTION_REQUIRED` when a route needs a transaction and there is no `transaction`.
 */
export async function postbusFastify(app: FastifyInstance, options: PostbusFastifyOptions): Promise<void> {
  const bus = isBus(options.bus) ? options.bus : createBus(options.bus)
  const closeBus = options.closeBus ?? bus !== options.bus
  const transaction = options.transaction ?? partsOf(bus)?.transaction
  const transactions = new RequestTransactions(transaction)

  app.decorate('bus', bus)
  decorateRequests(app, bus, transactions)
  wrapRoutes(app, transactions, transaction !== undefined)
  if (options.context) runWithin(app, bus, options.context)
  keepWorker(app, bus, { worker: options.worker ?? false, closeBus })
}

// Does what the package fastify-plugin does: the decorators belong to the whole application, not only to this plugin.
Object.assign(postbusFastify, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'postbus',
  [Symbol.for('plugin-meta')]: { name: 'postbus', fastify: '5.x' },
})

function isBus(given: Bus | BusOptions): given is Bus {
  return 'publish' in given && typeof given.publish === 'function'
}

function decorateRequests(app: FastifyInstance, bus: Bus, transactions: RequestTransactions): void {
  const publish: FastifyRequest['publish'] = async function (this: FastifyRequest, events, how) {
    const tx = transactions.of(this)
    return bus.publish(events, tx === undefined ? how : { tx, ...how })
  }
  const run: FastifyRequest['inTransaction'] = function (this: FastifyRequest, work) {
    return transactions.run(this, work)
  }
  app.decorateRequest('publish', publish)
  app.decorateRequest('inTransaction', run)
  app.decorateRequest('tx', {
    getter(this: FastifyRequest) {
      return transactions.opened(this)
    },
  })
}

/** Marks the config of a route whose handler runs in a transaction. Only `wrapRoutes` sets it. */
const IS_WRAPPED = Symbol('postbus.transactional-route')

function wrapRoutes(app: FastifyInstance, transactions: RequestTransactions, canBegin: boolean): void {
  app.addHook('onRoute', (route) => {
    const { config, handler } = route
    if (config?.transaction !== true) return
    if (!canBegin) throw unknownTransaction(`${String(route.method)} ${route.url}`)
    route.handler = inTransaction(handler, transactions)
    route.config = Object.assign({ ...config }, { [IS_WRAPPED]: true })
  })
  app.addHook('preHandler', async ({ routeOptions: { config, method, url } }) => {
    if (config.transaction === true && !isWrapped(config)) throw declaredTooEarly(`${String(method)} ${url ?? ''}`)
  })
}

function isWrapped(config: object): boolean {
  return IS_WRAPPED in config
}

/** Fastify keeps this context also while it reads the body. */
function runWithin(app: FastifyInstance, bus: Bus, contextOf: NonNullable<PostbusFastifyOptions['context']>): void {
  app.addHook('onRequest', (request, _reply, done) => bus.withContext(contextOf(request), done))
}

function keepWorker(
  app: FastifyInstance,
  bus: Bus,
  { worker: options, closeBus }: Required<Pick<PostbusFastifyOptions, 'worker' | 'closeBus'>>,
): void {
  let worker: Worker | null = null
  app.addHook('onReady', async () => {
    if (options === false || options === undefined) return
    worker = bus.worker(options === true ? {} : options)
    await worker.start()
  })
  app.addHook('onClose', async () => {
    await worker?.stop()
    if (closeBus) await bus.close()
  })
}

function declaredTooEarly(route: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `${route} has \`config: { transaction: true }\`, and was declared before the plugin was there, so it has no transaction. Await it first: await app.register(postbusFastify, { … }).`,
  )
}
