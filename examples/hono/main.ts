/** Serves the shop over HTTP, and runs its handlers in the same process: `npm run example:hono`. */
import { serve } from '@hono/node-server'
import { projectDatabase } from '../../config/database.ts'
import { createShop } from './app.ts'

const { connectionString, release } = await projectDatabase()
const { app, close } = await createShop(connectionString)
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.argv[2] ?? 3000) }, ({ port }) => {
  const url = `http://127.0.0.1:${port}`
  console.log(`Listening on ${url}. Order something:

  curl ${url}/orders -H 'content-type: application/json' -d '{ "orderId": "o-1", "sku": "tea" }'
  curl ${url}/orders/o-1
`)
})

/** Lets requests end first, then the worker's running handlers, then the connections. */
function end(): void {
  server.close(() => void close().then(release))
  if ('closeIdleConnections' in server) server.closeIdleConnections()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
