/** `postbus init`: writes the four files of a first application, for the Postgres client that the application uses. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { UsageError, type Command, type Invocation } from './command.ts'
import { clientAmong } from './first-app/clients.ts'
import { firstFiles } from './first-app/files.ts'
import { say } from './output.ts'

const MANIFEST = 'package.json'
/** Files that Node would read differently if `package.json` said that they are modules. */
const SOURCE = /\.[jt]s$/

const manifestOf = z.looseObject({
  type: z.enum(['module', 'commonjs']).optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
})
type Manifest = z.output<typeof manifestOf>

export const init: Command = {
  summary: 'Write the four files of a first application.',
  examples: [['postbus init', 'in a folder with a package.json; it replaces no file']],
  options: {},
  describe: {},

  async run({ terminal }: Invocation) {
    const manifest = readManifest()
    const ending = endingFor(manifest)
    const installed = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    const client = clientAmong(installed)
    const files = Object.entries(firstFiles(client, ending)).map(([name, text]) => [`${name}.${ending}`, text] as const)

    const taken = files.map(([name]) => name).filter((name) => existsSync(name))
    if (taken.length > 0) throw new UsageError(`Nothing is written: there is already ${taken.join(', ')}.`)
    if (isModuleFrom(manifest, ending)) sayThatItIsAModule()
    for (const [name, text] of files) writeFileSync(name, text)

    terminal.out.write(files.map(([name]) => `${name}\n`).join(''))
    say(terminal, `Written for ${client.name}. Next:\n${nextSteps({ installed, packages: client.packages, ending })}`)
    return 0
  },
}

function readManifest(): Manifest {
  if (!existsSync(MANIFEST)) throw new UsageError(`There is no ${MANIFEST} here. Run first: npm install postbus zod pg`)
  try {
    return manifestOf.parse(JSON.parse(readFileSync(MANIFEST, 'utf8')))
  } catch (cause) {
    throw new PostbusError('POSTBUS_INVALID_CONFIG', `${MANIFEST} cannot be read: expected JSON as npm writes it.`, {
      cause,
    })
  }
}

/** A CommonJS application gets files whose ending makes them modules. */
function endingFor({ type }: Manifest): 'ts' | 'mts' {
  if (type === 'module') return 'ts'
  return type === undefined && !readdirSync('.').some((name) => SOURCE.test(name)) ? 'ts' : 'mts'
}

function isModuleFrom({ type }: Manifest, ending: string): boolean {
  return type === undefined && ending === 'ts'
}

/** Adds `"type": "module"`, which is not there when npm has made a `package.json` in a new folder. */
function sayThatItIsAModule(): void {
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as object
  writeFileSync(MANIFEST, `${JSON.stringify({ type: 'module', ...manifest }, null, 2)}\n`)
}

interface Next {
  readonly installed: readonly string[]
  readonly packages: readonly string[]
  readonly ending: string
}

function nextSteps({ installed, packages, ending }: Next): string {
  const missing = ['postbus', 'zod', ...packages].filter((name) => !installed.includes(name))
  const steps = [
    ...(missing.length > 0 ? [`npm install ${missing.join(' ')}`] : []),
    'npx postbus dev          # a Postgres, the schema, a worker and the operator page',
    `node publish.${ending}          # in another terminal`,
  ]
  return steps.map((step) => `  ${step}`).join('\n')
}
