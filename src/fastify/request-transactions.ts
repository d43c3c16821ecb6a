/** The transactions of requests: each request has at most one open at a time. */
import type { FastifyRequest } from 'fastify'
import { inOwnTransaction } from '../backends/own-transaction.ts'
import { PostbusError } from '../errors.ts'
import type { RegisteredTransaction, RunTransaction } from '../transactions/register.ts'

type State = { readonly is: 'open'; readonly tx: RegisteredTransaction } | { readonly is: 'beginning' | 'over' }

export class RequestTransactions {
  readonly #transaction: RunTransaction | undefined
  readonly #states = new WeakMap<FastifyRequest, State>()

  constructor(transaction: RunTransaction | undefined) {
    this.#transaction = transaction
  }

  /** Returns the result of `work` after the commit. */
  async run<Result>(request: FastifyRequest, work: (tx: RegisteredTransaction) => Promise<Result>): Promise<Result> {
    const state = this.#states.get(request)
    if (state && state.is !== 'over') throw openAlready(request)
    if (!this.#transaction) throw unknownTransaction()
    this.#states.set(request, { is: 'beginning' })
    try {
      return await inOwnTransaction(this.#transaction, [], async (tx) => {
        this.#states.set(request, { is: 'open', tx })
        return work(tx)
      })
    } finally {
      this.#states.set(request, { is: 'over' })
    }
  }

  /** The open transaction of the request; `undefined`: the request has had none. */
  of(request: FastifyRequest): RegisteredTransaction | undefined {
    const state = this.#states.get(request)
    if (state === undefined) return undefined
    if (state.is === 'open') return state.tx
    throw finished(request)
  }

  opened(request: FastifyRequest): RegisteredTransaction {
    const tx = this.of(request)
    if (tx !== undefined) return tx
    throw new PostbusError(
      'POSTBUS_TRANSACTION_REQUIRED',
      `request.tx: ${nameOf(request)} has no transaction. Give its route \`config: { transaction: true }\`, or begin one: request.inTransaction((tx) => …).`,
    )
  }
}

export function unknownTransaction(route = ''): PostbusError {
  const where = route && `${route} has \`config: { transaction: true }\`: `
  return new PostbusError(
    'POSTBUS_TRANSACTION_REQUIRED',
    `${where}the plugin does not know how to begin a transaction. Give it, or the bus, \`transaction: (work) => db.transaction().execute(work)\`.`,
  )
}

/** Such a transaction cannot be used: its connection may be serving another request by now. */
function finished(request: FastifyRequest): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_FINISHED',
    `The transaction of ${nameOf(request)} is not open any more; nothing was published. Publish before it ends, and await it, or use bus.publish().`,
  )
}

function openAlready(request: FastifyRequest): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `request.inTransaction(): ${nameOf(request)} has a transaction open already. Use \`request.tx\`, or wait until that one has ended.`,
  )
}

function nameOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url ?? 'this request'}`
}
