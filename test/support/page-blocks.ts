/** The code blocks of docs/coming-from and docs/running, each page together with a small application that it can import. */
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { writeReadmeBlocks, type ReadmeBlocks } from './readme-blocks.ts'

const APP = `
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'

export const connectionString: string = 'postgres://is.not/used'
export const db = new Kysely<{ orders: { id: string; total: number } }>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString }) }) })
export const invoices = { create: async (_orderId: string, _total: number, _options: { readonly once: string }): Promise<void> => {} }
export const mail = { send: async (_orderId: string): Promise<void> => {} }
`

export function writePageBlocks(): readonly ReadmeBlocks[] {
  return globSync('docs/{coming-from,running}/*.md').map((page) =>
    writeReadmeBlocks(`page-${basename(page, '.md')}`, APP, page),
  )
}
