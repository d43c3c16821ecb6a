/** The house rules that a compiler does not check: the imports that are allowed, and the size of files. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'
import { withMap } from './support/architecture-map.ts'

/** The rooms, lowest first. A file may import from its own row and from the rows above it in this list, never from a row below. */
const LAYERS: readonly (readonly string[])[] = [
  [
    'src/errors.ts',
    'src/error-text.ts',
    'src/clock.ts',
    'src/names.ts',
    'src/parse-options.ts',
    'src/realm.ts',
    'src/signals.ts',
    'src/signal-logs.ts',
    'migrations/',
  ],
  ['src/transactions/', 'src/embedded-postgres/'],
  ['src/events/'],
  ['src/codec/'],
  ['src/handlers/'],
  ['src/middleware/'],
  ['src/schedules/'],
  ['src/publishing/'],
  ['src/deliveries/'],
  ['src/record/'],
  ['src/attempt/'],
  ['src/metrics/'],
  ['src/broadcast/'],
  ['src/evolution/'],
  ['src/worker/', 'src/backends/'],
  ['src/connection-options.ts', 'src/options.ts', 'src/tenants/', 'src/assemble-bus.ts', 'src/bus.ts'],
  ['src/index.ts'],
  ['src/catalog/', 'src/otel/', 'src/nest/', 'src/fastify/', 'src/relay/'],
  ['src/brokers/'],
  ['src/nats/', 'src/rabbitmq/'],
  ['src/jetstream/'],
  ['src/ui/'],
  ['src/cli/'],
  ['src/testing/'],
]

const OWNED: readonly (readonly [what: RegExp, ...owners: string[]])[] = [
  // `src/embedded-postgres/` keeps a connection whose socket must not keep the process alive. Only pg itself can do that.
  [/^pg$/, 'src/backends/postgres/', 'src/embedded-postgres/'],
  [/^pg-boss$/, 'src/backends/postgres/'],
  [/^kysely($|\/)/, 'src/backends/postgres/', 'src/transactions/clients/kysely.ts'],
  [/^superjson$/, 'src/codec/'],
  [/^@opentelemetry\//, 'src/otel/'],
  [/^hono($|\/)/, 'src/ui/'],
  [/^croner$/, 'src/schedules/'],
  [/^@nestjs\//, 'src/nest/'],
  [/^fastify$/, 'src/fastify/'],
  [/^@nats-io\//, 'src/nats/', 'src/jetstream/'],
  [/^amqplib$/, 'src/rabbitmq/'],
]

const sources = filesIn('src/**/*.ts', 'migrations/**/*.ts')
const ours = filesIn('{src,migrations,config,examples,bench}/**/*.ts')
const all = filesIn('{src,migrations,config,examples,bench,test}/**/*.ts')

test('imports go only downwards', () => {
  const upwards = sources.flatMap((file) =>
    importsOf(file)
      .filter((imported) => imported.path !== null && layerOf(imported.path) > layerOf(file))
      .map((imported) => `${file} → ${imported.path}`),
  )

  expect(upwards).toEqual([])
})

test('workers do not know which backend they work for', () => {
  const known = sources
    .filter((file) => file.startsWith('src/worker/'))
    .flatMap((file) => importsOf(file).filter((imported) => imported.path?.startsWith('src/backends/')))

  expect(known).toEqual([])
})

test('no import closes a circle', () => {
  expect(circlesIn(sources)).toEqual([])
})

test('each package that is hard to replace has one owner', () => {
  const trespassers = sources
    .filter((file) => !file.startsWith('migrations/'))
    .flatMap((file) =>
      importsOf(file).flatMap((imported) =>
        OWNED.filter(
          ([what, ...owners]) => what.test(imported.name) && !owners.some((owner) => file.startsWith(owner)),
        ).map(() => `${file} → ${imported.name}`),
      ),
    )

  expect(trespassers).toEqual([])
})

/**
 * The files besides `config/env.ts` that may read the environment: `postbus dev` and the testing kit must know which server they were
 * given, and the application that `postbus init` writes reads DATABASE_URL.
 */
const ENVIRONMENT_READERS = [
  'config/env.ts',
  'src/cli/environment.ts',
  'src/cli/first-app/files.ts',
  'src/testing/database/environment.ts',
]

test('only config/env.ts and the files that must know a given server read the environment', () => {
  const readers = ours.filter((file) => /process\s*\.\s*env\b|\benv\b[^\n]*from 'node:process'/.test(codeOf(file)))

  expect(readers).toEqual(ENVIRONMENT_READERS)
})

test('library code does not import the testing module', () => {
  const importers = sources
    .filter((file) => !file.startsWith('src/testing/'))
    .filter((file) =>
      importsOf(file).some((imported) => imported.path?.startsWith('src/testing/') || imported.name === 'vitest'),
    )

  expect(importers).toEqual([])
})

test('the testing module needs no test runner: only its setup file imports vitest', () => {
  const known = sources.filter((file) => importsOf(file).some(({ name, typeOnly }) => name === 'vitest' && !typeOnly))

  expect(known).toEqual(['src/testing/vitest.ts'])
})

test('no file is longer than 250 lines', () => {
  const long = all.filter((file) => text(file).split('\n').length > 251)

  expect(long).toEqual([])
})

test('every file begins with a sentence that says what it is for, and no file is a collection of everything', () => {
  const silent = ours.filter((file) => !/^(#!.*\n)?\/\*\*/.test(text(file)))
  const drawers = ours.filter((file) => /(^|\/)(utils?|helpers?|common|lib|types|manager)(\.ts$|\/)/.test(file))

  expect({ silent, drawers }).toEqual({ silent: [], drawers: [] })
})

test('the map of rooms lists every file with its first sentence; print it with: npm run docs:map', () => {
  const document = text('docs/architecture.md')

  expect(document).toBe(withMap(document))
})

function filesIn(...patterns: readonly string[]): readonly string[] {
  const isGenerated = (file: string) => file.includes('prisma/client')
  return patterns.flatMap((pattern) => globSync(pattern).filter((file) => !isGenerated(file))).toSorted()
}

function text(file: string): string {
  return readFileSync(file, 'utf8')
}

function codeOf(file: string): string {
  return text(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

interface Import {
  readonly name: string
  /** The imported file of this repository, or null for a package. */
  readonly path: string | null
  readonly typeOnly: boolean
}

function importsOf(file: string): readonly Import[] {
  const found = text(file).matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'/gm)
  return Array.from(found, ([, typeOnly, name = '']) => ({
    name,
    path: name.startsWith('.') ? normalize(join(dirname(file), name)) : null,
    typeOnly: typeOnly !== undefined,
  }))
}

function layerOf(file: string): number {
  const layer = LAYERS.findIndex((places) =>
    places.some((place) => file === place || (place.endsWith('/') && file.startsWith(place))),
  )
  if (layer === -1) throw new Error(`${relative('.', file)} has no place in LAYERS: give it one`)
  return layer
}

/**
 * One depth-first walk that visits each file once: an import of a file that is still on the path closes a circle. Type imports count too.
 * They disappear at run time, but a person who reads the code follows them.
 */
function circlesIn(files: readonly string[]): readonly string[] {
  const known = new Set(files)
  const done = new Set<string>()
  const path: string[] = []
  const circles: string[] = []

  function visit(file: string): void {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file)) return
    done.add(file)
    path.push(file)
    for (const { path: next } of importsOf(file)) if (next !== null && known.has(next)) visit(next)
    path.pop()
  }

  for (const file of files) visit(file)
  return circles
}
