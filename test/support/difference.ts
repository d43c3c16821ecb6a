/** Tells whether two values are the same in every way an event handler could notice, and if not, where they differ. */

/** Returns the place of the first difference, or undefined. Also compares which objects are identical. */
export function differenceBetween(left: unknown, right: unknown): string | undefined {
  return compare(left, right, { path: 'data', pairs: new Map(), taken: new Set() })
}

interface Comparison {
  path: string
  /** The partner of every object on the left: it must be the same one each time, and no other object's partner. */
  pairs: Map<object, object>
  taken: Set<object>
}

function compare(left: unknown, right: unknown, at: Comparison): string | undefined {
  if (!isObject(left) || !isObject(right)) return Object.is(left, right) ? undefined : at.path
  if (at.pairs.has(left)) return at.pairs.get(left) === right ? undefined : `${at.path} (identity)`
  if (at.taken.has(right)) return `${at.path} (identity)`
  at.pairs.set(left, right)
  at.taken.add(right)
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return `${at.path} (prototype)`
  return compareAll(contentOf(left), contentOf(right), at)
}

function compareAll(left: Content, right: Content, at: Comparison): string | undefined {
  if (left.length !== right.length) return `${at.path} (${left.length} parts, ${right.length} parts)`
  for (const [index, [name, part]] of left.entries()) {
    const [otherName, other] = right[index] ?? []
    if (name !== otherName) return `${at.path} (order or name of ${name})`
    const difference = compare(part, other, { ...at, path: `${at.path}.${name}` })
    if (difference !== undefined) return difference
  }
  return undefined
}

type Content = [name: string, part: unknown][]

function contentOf(object: object): Content {
  if (object instanceof Date) return [['time', object.getTime()]]
  if (object instanceof URL) return [['href', object.href]]
  if (object instanceof RegExp) return [['text', `${object}`], ...named('lastIndex', object.lastIndex)]
  if (object instanceof Error)
    return [...named('name', object.name), ...named('message', object.message), causeOf(object)]
  if (object instanceof Map) return [...object].flatMap((entry, row) => named(`entry ${row}`, ...entry))
  if (object instanceof Set) return [...object].map((element, row) => [`element ${row}`, element])
  return Reflect.ownKeys(object).map((key) => [String(key), Reflect.get(object, key)])
}

function named(name: string, ...parts: unknown[]): Content {
  return parts.map((part, index) => [`${name} ${index}`, part])
}

/** An Error that has no cause comes back with an undefined one; its stack does not come back. */
function causeOf(error: Error): [string, unknown] {
  return ['cause', error.cause]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
