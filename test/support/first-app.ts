/** First applications, as `postbus init` writes them, below this repository's root, so that Node finds the database clients. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Pool } from 'pg'
import { postbus } from './cli.ts'
import { BLOCKS } from './readme-blocks.ts'

export function firstApps(name: string) {
  const folder = resolve(BLOCKS, name)
  rmSync(folder, { recursive: true, force: true })
  return {
    folder,
    /** A folder with a `package.json`. */
    appOf(app: string, manifest: object): string {
      const itsFolder = join(folder, app.replace(/\W/g, '-'))
      mkdirSync(itsFolder, { recursive: true })
      writeFileSync(join(itsFolder, 'package.json'), JSON.stringify(manifest))
      return itsFolder
    },
    init: (cwd: string) => postbus('', ['init'], { cwd, config: null }),
    /** Changes imports, because here the package has no name of its own, and Prisma's client is generated elsewhere. */
    withSources(app: string): void {
      for (const file of readdirSync(app).filter((one) => one.endsWith('ts'))) {
        const text = readFileSync(join(app, file), 'utf8')
          .replace(`from 'postbus'`, `from '../../../../src/index.ts'`)
          .replace(`from '@prisma/client'`, `from '../../../../test/support/prisma/client/client.ts'`)
        writeFileSync(join(app, file), text)
      }
    },
  }
}

/** Counts what the publish scripts have stored. */
export async function stored(database: Pool): Promise<{ readonly orders: number; readonly events: number }> {
  const { rows } = await database.query<{ orders: number; events: number }>(
    `select (select count(*)::integer from orders) as orders,
      (select count(*)::integer from postbus.event where type = 'orders.order-created') as events`,
  )
  return rows[0] ?? { orders: 0, events: 0 }
}
