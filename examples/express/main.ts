/** Serves the shop over HTTP, and runs its handlers in the same process: `npm run example:express`. */
import { projectDatabase } from '../../config/database.ts'
import { createShop } from './app.ts'

const { connectionString, release } = await projectDatabase()
const { app, close } = await createShop(connectionString)
const port = Number(process.argv[2] ?? 3000)
const server = app.listen(port, '127.0.0.1', () => {
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`
  console.log(`Listening on ${url}. Order something:

  curl ${url}/orders -H 'content-type: application/json' -d '{ "orderId": "o-1", "sku": "tea" }'
  curl ${url}/orders/o-1
`)
})

/** Lets requests end first, then the worker's running handlers, then the connections. */
function end(): void {
  server.close(() => void close().then(release))
  server.closeIdleConnections()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
