/** Writes the pages of the API with TypeDoc: one folder for each entry of the package, one page for each name that it exports. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Application, type DeclarationReflection, type ProjectReflection, type TypeDocOptions } from 'typedoc'
import type { PluginOptions } from 'typedoc-plugin-markdown'
import { entries, type Entry } from './entries.ts'
import { ASSEMBLED, ROOT } from './published.ts'

const OPTIONS = {
  entryPoints: entries().map(({ source }) => join(ROOT, source)),
  tsconfig: join(import.meta.dirname, 'tsconfig.api.json'),
  plugin: ['typedoc-plugin-markdown'],
  name: 'API',
  readme: 'none',
  router: 'member',
  skipErrorChecking: true,
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  entryFileName: 'index',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useHTMLAnchors: false,
  parametersFormat: 'table',
  validation: false,
  logLevel: 'Warn',
} satisfies Partial<TypeDocOptions> & Partial<PluginOptions>

export async function writeApi(): Promise<void> {
  const app = await Application.bootstrapWithPlugins(OPTIONS)
  const project = await app.convert()
  if (!project) throw new Error('TypeDoc could not read the sources')
  for (const entry of entries()) introduce(moduleOf(project, entry), entry)
  await app.outputs.writeOutput({ name: 'markdown', path: join(ASSEMBLED, 'api') }, project)
}

/** TypeDoc names a module by its path: `index`, `testing`, `testing/vitest`. */
function moduleOf(project: ProjectReflection, { source }: Entry): DeclarationReflection {
  const name = source
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .replace(/\/index$/, '')
  const found = project.children?.find((child) => child.name === name)
  if (!found) throw new Error(`TypeDoc has no module for ${source}`)
  return found
}

/** TypeDoc gives the first comment of a file to the first export without a comment. Here it describes the entry. */
function introduce(module: DeclarationReflection, { name, source }: Entry): void {
  module.name = name.replaceAll('/', '-')
  const first = /^\/\*\*\s*([\s\S]*?)\s*\*\//.exec(readFileSync(join(ROOT, source), 'utf8'))?.[1] ?? ''
  const beginning = plain(first).slice(0, 40)
  for (const child of module.children ?? []) {
    for (const one of [child, ...(child.signatures ?? [])]) {
      const text = plain(one.comment?.summary.map((part) => part.text).join('') ?? '')
      if (beginning === '' || !text.startsWith(beginning)) continue
      if (one.comment) module.comment ??= one.comment.clone()
      delete one.comment
    }
  }
}

function plain(text: string): string {
  return text
    .replaceAll(/\s*\n\s*\*?\s*/g, ' ')
    .replaceAll(/[`\s]+/g, ' ')
    .trim()
}

if (import.meta.main) await writeApi()
