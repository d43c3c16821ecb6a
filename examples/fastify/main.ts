/** Serves the shop over HTTP, and runs its handlers in the same process: `npm run example:fastify`. */
import { projectDatabase } from '../../config/database.ts'
import { createShop } from './app.ts'

const { connectionString, release } = await projectDatabase()
const { app } = await createShop(connectionString)
const url = await app.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 3000) })
console.log(`Listening on ${url}. Order something:

  curl ${url}/orders -H 'content-type: application/json' -d '{ "orderId": "o-1", "sku": "tea" }'
  curl ${url}/orders/o-1
`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close().then(release))
