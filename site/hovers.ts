/**
 * The types and documentation that an editor shows when the pointer is over a name, for the TypeScript blocks of the pages. Blocks of one
 * page that begin with `// file.ts` can import each other, as they can when the tests compile them.
 */
import { basename, join } from 'node:path'
import type { TwoslashShikiFunction, TwoslashShikiReturn } from '@shikijs/twoslash'
import ts from 'typescript'
import { entries } from './entries.ts'
import { docsFiles, ROOT, textOf } from './published.ts'

/** Inside the repository, so that imports of packages resolve. Nothing is written there. */
const FOLDER = join(ROOT, '.postbus/site-blocks')
const FILE_NAME = /^\/\/ (\S+\.tsx?)\n/
const LONGEST = 500

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  experimentalDecorators: true,
  types: ['node'],
  paths: Object.fromEntries(entries().map(({ name, source }) => [name, [join(ROOT, source)]])),
}

/** Blocks without a file name get no hovers. */
export function hovers(): TwoslashShikiFunction {
  const blocks = blocksByCode()
  const service = serviceFor(blocks)
  return (code: string): TwoslashShikiReturn => {
    const file = blocks.get(code.trim())
    const nodes = file === undefined ? [] : hoversOf(service, file)
    return { code, nodes, meta: { extension: 'ts' } }
  }
}

type Hover = Extract<TwoslashShikiReturn['nodes'][number], { type: 'hover' }>

function hoversOf(service: ts.LanguageService, file: string): Hover[] {
  const source = service.getProgram()?.getSourceFile(file)
  if (!source) return []
  const found: Hover[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) found.push(...hoverAt(service, source, node))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function hoverAt(service: ts.LanguageService, source: ts.SourceFile, node: ts.Identifier): Hover[] {
  const start = node.getStart(source)
  const info = service.getQuickInfoAtPosition(source.fileName, start)
  const text = ts.displayPartsToString(info?.displayParts).replace(/^\(alias\) (.*)\nimport .*$/s, '$1')
  if (text === '' || text.length > LONGEST || /^(any|import \w+)$|: any$/.test(text)) return []
  const { line, character } = source.getLineAndCharacterOfPosition(start)
  const docs = ts.displayPartsToString(info?.documentation)
  return [
    {
      type: 'hover',
      text,
      ...(docs !== '' && { docs }),
      start,
      length: node.getWidth(source),
      target: node.text,
      line,
      character,
    },
  ]
}

/** Each block's file, by its code. The tests check that no page has two blocks with the same file name. */
function blocksByCode(): ReadonlyMap<string, string> {
  const blocks = new Map<string, string>()
  for (const page of ['README.md', ...docsFiles()]) {
    for (const [, code = ''] of textOf(page).matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      const name = FILE_NAME.exec(code)?.[1]
      if (name !== undefined) blocks.set(code.trim(), join(FOLDER, folderOf(page), basename(name)))
    }
  }
  return blocks
}

function folderOf(page: string): string {
  return page.replaceAll('/', '-')
}

function serviceFor(blocks: ReadonlyMap<string, string>): ts.LanguageService {
  const codes = new Map(Array.from(blocks, ([code, file]) => [file, code]))
  const read = (file: string) => codes.get(file) ?? ts.sys.readFile(file)
  return ts.createLanguageService({
    getCompilationSettings: () => OPTIONS,
    getScriptFileNames: () => [...codes.keys()],
    getScriptVersion: () => '1',
    getScriptSnapshot: (file) => {
      const text = read(file)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (file) => codes.has(file) || ts.sys.fileExists(file),
    readFile: read,
    directoryExists: (folder) => folder.startsWith(FOLDER) || ts.sys.directoryExists(folder),
    getDirectories: (folder) => ts.sys.getDirectories(folder),
  })
}
