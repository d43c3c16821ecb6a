/** The shop's modules know only each other's events. */
import { readdirSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const folder = resolve(import.meta.dirname, '../../examples/shop')
const modules = ['cargo', 'email', 'finances', 'orders', 'stock']

test('a module imports only the events of another module', () => {
  const foreign = importsOfModules().filter(({ from, to }) => modules.includes(to.module) && to.module !== from.module)

  const events = foreign.filter(({ to }) => to.file === 'events.ts')
  expect(foreign).toEqual(events)
  expect(new Set(events.map(({ from }) => from.module))).toEqual(new Set(['cargo', 'email', 'finances', 'stock']))
})

test('a module imports nothing from the demo', () => {
  expect(importsOfModules().filter(({ to }) => to.module.startsWith('demo'))).toEqual([])
})

function importsOfModules() {
  return modules.flatMap((module) =>
    readdirSync(resolve(folder, module)).flatMap((file) =>
      importsOf(resolve(folder, module, file)).map((imported) => ({ from: { module, file }, to: placeOf(imported) })),
    ),
  )
}

function importsOf(file: string): readonly string[] {
  const imports = readFileSync(file, 'utf8').matchAll(/\bfrom '(\.[^']+)'|\bimport\(?\s*'(\.[^']+)'/g)
  return [...imports].map(([, from, bare]) => resolve(file, '..', from ?? bare ?? ''))
}

/** For `orders/events.ts`: the file `events.ts` of the module `orders`. */
function placeOf(file: string): { readonly module: string; readonly file: string } {
  const [module = '', ...rest] = relative(folder, file).split('/')
  return { module, file: rest.join('/') }
}
