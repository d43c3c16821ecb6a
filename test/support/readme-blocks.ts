/** Turns the code blocks of pages into files that can be compiled and run, beside an `app.ts` that stands for the reader's own app. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ReadmeBlocks {
  /** The folder the blocks were written to, from the root of the project. */
  readonly folder: string
  /** The files, in the order of the pages. */
  readonly files: readonly string[]
  remove(): void
}

/** README and the pages that a newcomer reads first: one application is built up in their blocks. */
export const GUIDE = [
  'README.md',
  ...['events', 'handlers', 'publishing', 'workers', 'retries', 'record', 'configuration'].map(
    (name) => `docs/${name}.md`,
  ),
]

/**
 * Two levels below the root, so that imports of the library can point at its sources. Git and tools ignore it: a linter or a
 * compiler that runs beside the tests would look for files that are gone.
 */
export const BLOCKS = '.postbus/readme-blocks'

export function writeReadmeBlocks(
  name: string,
  app: string,
  documents: string | readonly string[] = GUIDE,
): ReadmeBlocks {
  const folder = join(BLOCKS, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'app.ts'), app)
  const blocks = [documents].flat().flatMap(typeScriptBlocks)
  for (const [file, code] of blocks) writeFileSync(join(folder, file), code)
  return {
    folder,
    files: blocks.map(([file]) => file),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Every command line of these pages that runs `npx postbus`, without its comment. */
export function postbusCommands(documents: string | readonly string[] = GUIDE): readonly (readonly string[])[] {
  return [documents]
    .flat()
    .flatMap((document) => blocksOf('sh', document))
    .flatMap((block) =>
      block
        .split('\n')
        .map((line) => line.replace(/#.*/, '').trim())
        .filter((line) => line.startsWith('npx postbus '))
        .map((line) => line.split(/\s+/).slice(2)),
    )
}

/** Each block begins with its file's name, in a comment. */
function typeScriptBlocks(document: string): readonly (readonly [file: string, code: string])[] {
  return blocksOf('ts', document).map((block) => {
    const file = /^\/\/ (\S+\.ts)\n/.exec(block)?.[1]
    if (!file)
      throw new Error(`A code block of ${document} does not begin with its file's name:\n${block.slice(0, 120)}`)
    return [file, withSources(block)]
  })
}

/** The block with imports of this repository's sources, because the package has no name of its own here. */
function withSources(block: string): string {
  return block
    .replaceAll(`from 'postbus'`, `from '../../../src/index.ts'`)
    .replaceAll(`from 'postbus/nats'`, `from '../../../src/nats/index.ts'`)
    .replaceAll(`from 'postbus/nest'`, `from '../../../src/nest/index.ts'`)
    .replaceAll(`from 'postbus/fastify'`, `from '../../../src/fastify/index.ts'`)
    .replaceAll(`from 'postbus/otel'`, `from '../../../src/otel/index.ts'`)
    .replaceAll(`from 'postbus/relay'`, `from '../../../src/relay/index.ts'`)
    .replaceAll(`from 'postbus/rabbitmq'`, `from '../../../src/rabbitmq/index.ts'`)
    .replaceAll(`from 'postbus/ui'`, `from '../../../src/ui/index.ts'`)
    .replaceAll(`from 'postbus/testing'`, `from '../../../src/testing/index.ts'`)
}

function blocksOf(language: string, document: string): readonly string[] {
  const readme = readFileSync(document, 'utf8')
  return Array.from(
    readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')),
    ([, code = '']) => code,
  )
}
