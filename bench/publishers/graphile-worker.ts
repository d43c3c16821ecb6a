/** graphile-worker: the SQL function `add_jobs`, with one job per receiver, each with the whole payload. */
import { Logger, makeWorkerUtils } from 'graphile-worker'
import type { ClientBase } from 'pg'
import { receivers, type Order } from '../order.ts'
import { connected, type Publisher } from './publisher.ts'

/** The statement of `addJobs()`, but prepared. */
const ADD_JOBS = {
  name: 'add-jobs',
  text: 'select id from graphile_worker.add_jobs(array(select json_populate_recordset(null::graphile_worker.job_spec, $1::json)))',
}

export const graphileWorker: Publisher = {
  name: 'graphile-worker add_jobs',
  configuration: 'graphile_worker.add_jobs with a job per receiver, one prepared statement; lists alike',
  async install(connectionString) {
    const utils = await makeWorkerUtils({ connectionString, logger: new Logger(() => () => undefined) })
    await utils.migrate()
    await utils.release()
  },
  async open(connectionString, count) {
    const names = receivers(count)
    const client = await connected(connectionString)
    const add = (on: ClientBase, orders: readonly Order[]) => on.query(ADD_JOBS, [JSON.stringify(specsOf(orders))])
    const specsOf = (orders: readonly Order[]) =>
      orders.flatMap((payload) => names.map((identifier) => ({ identifier, payload })))
    return {
      publish: (transaction, order) => add(transaction, [order]),
      publishList: (orders) => add(client, orders),
      close: () => client.end(),
    }
  },
}
