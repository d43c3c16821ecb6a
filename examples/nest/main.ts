/**
 * Serves the shop over HTTP, and runs its handlers in the same process. In production, a second program would begin with
 * `NestFactory.createApplicationContext(AppModule.with({ …, worker: true }))`, and this program would have `worker: false`.
 */
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { projectDatabase } from '../../config/database.ts'
import type { Bus } from '../../src/index.ts'
import { POSTBUS } from '../../src/nest/index.ts'
import { AppModule } from './app.module.ts'
import { createTables, Database } from './database.ts'

const { connectionString, release } = await projectDatabase()
const app = await NestFactory.create(AppModule.with({ connectionString, worker: true }), { logger: ['error', 'warn'] })

await app.get<Bus>(POSTBUS).migrate()
await createTables(app.get(Database))
await app
  .get(Database)
  .insertInto('shop.stock')
  .values({ sku: 'tea', remaining: 1_000 })
  .onConflict((conflict) => conflict.doNothing())
  .execute()

await app.listen(Number(process.argv[2] ?? 3000), '127.0.0.1')
const url = await app.getUrl()
console.log(`Listening on ${url}. Order something:

  curl ${url}/orders -H 'content-type: application/json' -d '{ "orderId": "o-1", "sku": "tea", "count": 2 }'
  curl ${url}/orders/o-1
`)
// An application that does not run its own Postgres calls `app.enableShutdownHooks()` instead.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close().then(release))
