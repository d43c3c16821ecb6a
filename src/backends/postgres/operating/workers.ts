/** `bus.workers`: the list that workers keep of themselves, with the present names of handlers. */
import type { Workers } from '../../../deliveries/workers.ts'
import { listWorkers } from '../deliveries/workers.ts'
import { operating, type OperatorParts } from './operating.ts'

export function workersIn({ connection, tables, registry }: OperatorParts): Workers['workers'] {
  const { look } = operating(connection, tables)
  return async () => {
    const { names } = await registry.load()
    const workers = await look((pool) => listWorkers(pool, tables))
    return workers.map((worker) => ({ ...worker, handlers: worker.handlers.map((name) => names.handlers.shown(name)) }))
  }
}
