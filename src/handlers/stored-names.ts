/**
 * The names of handlers and event types in the database, and the names that people see. A renamed handler or event type is
 * still stored under its first name: this name is part of delivery ids and lane keys, and older workers know no other.
 *
 *   previousNames: ['orders.created', 'orders.made']     name: 'orders.order-created'
 *                    stored                                shown
 */
import { PostbusError } from '../errors.ts'
import { storedName } from '../names.ts'

/** Something that has a name, and may have had others. */
interface Named {
  readonly name: string
  readonly previousNames: readonly string[]
  readonly definedAt: string
}

export interface NameTable {
  /** `true`: nothing was renamed, so every name is the stored one. */
  readonly isPlain: boolean
  /** Returns the present name, given any name. An unknown name is returned unchanged. */
  shown(name: string): string
  /** Returns the stored name, given any name. */
  stored(name: string): string
  /** Returns all names, given any name; the stored one first. */
  all(name: string): readonly string[]
}

export interface StoredNames {
  readonly handlers: NameTable
  readonly eventTypes: NameTable
}

/**
 * @throws {PostbusError} `POSTBUS_NAME_CONFLICT` when two handlers or event types share a name, present or previous, or when two
 * versions of one event type do not have the same previous names.
 */
export function nameTable(what: string, named: readonly Named[]): NameTable {
  const owners = new Map<string, Named>()
  for (const one of named) {
    for (const name of [one.name, ...one.previousNames]) {
      const other = owners.get(name)
      if (other && !haveSameNames(one, other)) throw conflict(what, name, one, other)
      owners.set(name, one)
    }
  }
  const all = (name: string) => {
    const owner = owners.get(name)
    return owner ? [...owner.previousNames, owner.name] : [name]
  }
  return Object.freeze({
    isPlain: named.every(({ previousNames }) => previousNames.length === 0),
    shown: (name: string) => owners.get(name)?.name ?? name,
    stored: (name: string) => storedName(name, all(name)),
    all,
  })
}

/** The names when nothing was renamed. */
export const PLAIN_NAMES: StoredNames = Object.freeze({
  handlers: nameTable('handlers', []),
  eventTypes: nameTable('event types', []),
})

/** Versions of one event type must have the same names. */
function haveSameNames(one: Named, other: Named): boolean {
  return one.name === other.name && one.previousNames.join(' ') === other.previousNames.join(' ')
}

function conflict(what: string, name: string, one: Named, other: Named): PostbusError {
  const places = `\n  ${other.definedAt}\n  ${one.definedAt}`
  if (one.name === other.name) {
    const mend = 'Give every version the same list: they are stored under its first name.'
    return new PostbusError(
      'POSTBUS_NAME_CONFLICT',
      `Versions of "${name}" have different \`previousNames\`. ${mend}${places}`,
    )
  }
  return new PostbusError(
    'POSTBUS_NAME_CONFLICT',
    `"${name}" is a name of two ${what}, "${other.name}" and "${one.name}": what is stored under it could not be told apart. ` +
      `Take it out of the \`previousNames\` of one, or rename one.${places}`,
  )
}
