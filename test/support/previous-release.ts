/**
 * The release before this one: the last commit without the newest migration. It is built into a folder of its own, like an installed
 * package. The processes of the fault tests are copied beside it, and then run its code.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const PACKED = ['src', 'migrations', 'package.json', 'tsconfig.json', 'tsconfig.build.json']

export interface PreviousRelease {
  readonly commit: string
  readonly folder: string
  /** Migrates with that release's code. */
  migrate(connectionString: string): Promise<void>
  remove(): Promise<void>
}

export async function previousRelease(): Promise<PreviousRelease> {
  const commit = await previousCommit()
  const folder = await mkdtemp(join(tmpdir(), 'postbus-previous-'))
  const archive = join(folder, 'previous.tar')
  await run('git', ['archive', '--output', archive, commit, ...PACKED], CHECKOUT)
  await run('tar', ['-xf', archive], folder)
  await symlink(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'))
  await run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], folder)

  // Its built package takes the place of its sources, so that the processes of today's fault tests import the package.
  await rename(join(folder, 'src'), join(folder, 'sources'))
  await mkdir(join(folder, 'src/cli'), { recursive: true })
  await writeFile(join(folder, 'src/index.ts'), `export * from '../dist/src/index.js'\n`)
  await writeFile(join(folder, 'src/cli/main.ts'), `import '../../dist/src/cli/main.js'\n`)
  for (const part of ['faults', 'support']) {
    const from = join(CHECKOUT, 'test', part)
    const files = (await readdir(from)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    await mkdir(join(folder, 'test', part), { recursive: true })
    for (const file of files) await cp(join(from, file), join(folder, 'test', part, file))
  }

  return {
    commit,
    folder,
    async migrate(connectionString) {
      const program = `import { createBus } from './dist/src/index.js'
        const bus = createBus({ connectionString: process.argv[1], onSignal: () => undefined })
        await bus.migrate()
        await bus.close()`
      await run(process.execPath, ['--input-type=module', '--eval', program, connectionString], folder)
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/**
 * Searches the history of the main branch, without the commits of merged branches, for the last commit that lacks a migration and
 * has none that is unknown today. (Before their release, migrations have changed their numbers.)
 */
async function previousCommit(): Promise<string> {
  const present = new Set((await readdir(join(CHECKOUT, 'migrations'))).map((name) => `migrations/${name}`))
  const commits = (await run('git', ['rev-list', '--first-parent', 'HEAD'], CHECKOUT)).trim().split('\n')
  for (const commit of commits) {
    const names = (await run('git', ['ls-tree', '--name-only', commit, 'migrations/'], CHECKOUT)).trim().split('\n')
    if (names.length < present.size && names.every((name) => present.has(name))) return commit
  }
  throw new Error('No commit has fewer migrations than this checkout: fetch the whole history.')
}

async function run(command: string, words: readonly string[], cwd: string): Promise<string> {
  return (await promisify(execFile)(command, [...words], { cwd })).stdout
}
