/** The package contains the compiled code and its documentation, and nothing else of the repository. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { docsFiles } from '../site/published.ts'

const run = promisify(execFile)
const EXPECTED = /^(dist\/|docs\/.+\.md$|llms\.txt$|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/
const MOST_BYTES_OF_DOCS = 1_500_000
/** npm would read all of these before it packs. */
const LEFT_OUT = ['.git', '.postbus', '.pages', '.cache', 'dist', 'node_modules']

test('npm pack takes the compiled code and the Markdown docs, and nothing else of the repository', async () => {
  const files = await packedFiles()
  const paths = files.map(({ path }) => path)

  expect(paths.filter((path) => !EXPECTED.test(path))).toEqual([])
  expect(docsFiles().filter((file) => !paths.includes(file))).toEqual([])
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']))
  const docs = files.filter(({ path }) => path.startsWith('docs/'))
  expect(docs.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(MOST_BYTES_OF_DOCS)
})

interface Packed {
  readonly path: string
  readonly size: number
}

/** Packs a copy of this repository, without the compiled code. */
async function packedFiles(): Promise<readonly Packed[]> {
  const copy = mkdtempSync(join(tmpdir(), 'postbus-package-'))
  onTestFinished(() => rmSync(copy, { recursive: true }))
  cpSync('.', copy, { recursive: true, filter: (path) => !LEFT_OUT.includes(basename(path)) })
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: copy })
  return filesIn(stdout)
}

/** npm 10 prints a list, npm 12 an object by name. */
function filesIn(json: string): readonly Packed[] {
  const [found] = Object.values(JSON.parse(json) as Record<string, { files: Packed[] }>)
  if (!found) throw new Error('npm pack listed no package')
  return found.files
}
