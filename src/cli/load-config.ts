/** Finds the file that exports the bus, and imports it. Node itself strips its types. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Bus } from '../bus.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { text, UsageError, type Invocation } from './command.ts'
import { nearest } from './nearest.ts'

const NAMES = [
  'postbus.config.ts',
  'postbus.config.mts',
  'postbus.config.js',
  'postbus.config.mjs',
  'postbus.config.cjs',
]
const DEFAULTS = [...NAMES, ...NAMES.map((name) => `config/${name}`)]

/**
 * The bus that a config file exports as `bus`.
 *
 * @throws {UsageError} when there is no such file.
 * @throws {PostbusError} `POSTBUS_CONFIG_SYNTAX` when Node cannot run the file; `POSTBUS_INVALID_CONFIG` when it exports no bus.
 */
export async function loadBus(given: string | undefined): Promise<Bus> {
  const file = resolve(given ?? DEFAULTS.find((name) => existsSync(name)) ?? DEFAULTS[0] ?? '')
  if (!existsSync(file)) {
    const looked = given ? file : DEFAULTS.join(', ')
    throw new UsageError(`No config file: looked for ${looked}. Name yours with --config FILE; it exports \`bus\`.`)
  }
  const bus = busIn(await importConfig(file))
  if (bus) return bus
  throw new PostbusError(
    'POSTBUS_INVALID_CONFIG',
    `${file} exports no \`bus\`. Expected: export const bus = createBus({ connectionString, handlers })`,
  )
}

/**
 * The bus that a command works on: the bus of the config file or, if that has tenants, the bus of one tenant.
 *
 * @throws {UsageError} when a tenant is missing, unknown, or given for a bus without tenants; and what `loadBus` throws.
 */
export async function busFor(invocation: Invocation): Promise<Bus> {
  const bus = await loadBus(text(invocation, 'config'))
  try {
    return await tenantOf(bus, text(invocation, 'tenant'))
  } catch (error) {
    await bus.close()
    throw error
  }
}

/** Whether the bus has the option `tenants`. */
export function hasTenants(bus: Bus): boolean {
  // A bus of an older copy of the package has no tenants.
  return (bus as Partial<Bus>).tenants?.areKnown === true
}

async function tenantOf(bus: Bus, name: string | undefined): Promise<Bus> {
  if (!hasTenants(bus)) {
    if (name === undefined) return bus
    throw new UsageError(`--tenant ${name}: this bus has no tenants: createBus({ tenants }) says who they are.`)
  }
  if (name === undefined) throw new UsageError('This bus has tenants. Say which one: --tenant NAME.')
  const tenants = await bus.tenants.list()
  const tenant = tenants.find((one) => one.name === name)
  if (tenant) return Object.create(tenant, { close: { value: () => bus.close() } }) as Bus // closes the tenant's bus too
  const names = tenants.map((one) => one.name)
  throw new UsageError(`--tenant ${name}: there is none of that name.${nearest(name, names)}`)
}

/** Also finds the bus in a CommonJS file: Node may not know the names of its exports, and then has all of them in `default`. */
function busIn(exported: unknown, depth = 0): Bus | undefined {
  if (typeof exported !== 'object' || exported === null || depth > 2) return undefined
  const bus: unknown = Reflect.get(exported, 'bus')
  return isBus(bus) ? bus : busIn(Reflect.get(exported, 'default'), depth + 1)
}

async function importConfig(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    throw explained(file, error)
  }
}

function explained(file: string, error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : ''
  const message = safeTextOfError(error)
  const syntax = (why: string) =>
    new PostbusError('POSTBUS_CONFIG_SYNTAX', `${file}: ${why}\n  ${message}`, { cause: error })
  switch (code) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
    case 'ERR_INVALID_TYPESCRIPT_SYNTAX':
      return syntax(
        'Node cannot run enums, decorators or parameter properties. Install tsx, and run: node --import tsx node_modules/.bin/postbus …',
      )
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return syntax('this Node does not run TypeScript. Use Node 22.18 or newer, or a .js config file.')
    case 'ERR_MODULE_NOT_FOUND':
    case 'ERR_UNSUPPORTED_DIR_IMPORT':
      return syntax(
        'an import was not found: a package that is not installed, or a file without its ending. Imports need their file endings: import { … } from "./event-handlers.ts"',
      )
    default:
      return error
  }
}

/** Recognises a bus by its methods, so that a bus from another copy of the package is accepted too. */
function isBus(value: unknown): value is Bus {
  if (typeof value !== 'object' || value === null) return false
  return ['publish', 'worker', 'migrate', 'doctor', 'close'].every(
    (name) => typeof Reflect.get(value, name) === 'function',
  )
}
