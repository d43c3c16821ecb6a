/** The option tables of the pages, printed from the schemas that check the options. */
import { z } from 'zod'
import { batchOptions } from '../../src/handlers/batching.ts'
import { handlerOptions } from '../../src/handlers/handler-options.ts'
import { busOptions, drainOptions, workerOptions } from '../../src/options.ts'
import { scheduleOptions } from '../../src/schedules/schedule.ts'

const TABLES: Readonly<Record<string, z.ZodObject>> = {
  handler: handlerOptions,
  batch: batchOptions,
  bus: busOptions,
  worker: workerOptions,
  drain: drainOptions,
  schedule: scheduleOptions,
}

/** Returns the page with its option tables printed again: each is between `<!-- options: NAME -->` and `<!-- /options -->`. */
export function withOptionTables(page: string): string {
  return page.replace(/<!-- options: (\w+) -->\n[\s\S]*?<!-- \/options -->/g, (_, name: string) => {
    const schema = TABLES[name]
    if (!schema) throw new Error(`A page asks for options of "${name}"; known: ${Object.keys(TABLES).join(', ')}`)
    return `<!-- options: ${name} -->\n\n${tableOf(schema)}\n\n<!-- /options -->`
  })
}

function tableOf(schema: z.ZodObject): string {
  const rows = Object.entries(schema.shape).map(([name, option]) => [
    `\`${name}\``,
    defaultOf(option),
    descriptionOf(option),
  ])
  const table = [['Option', 'Default', 'What it does'], ['---', '---', '---'], ...rows]
  return table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function descriptionOf(option: z.core.$ZodType): string {
  const description = z.globalRegistry.get(option)?.description
  if (!description) throw new Error('Every option needs a description')
  return description.replaceAll('|', '\\|')
}

function defaultOf(option: z.core.$ZodType): string {
  const { type } = option._zod.def
  if (type !== 'default' && type !== 'prefault') return ''
  const { data } = z.safeParse(option, undefined)
  return `\`${JSON.stringify(data)}\``
}
