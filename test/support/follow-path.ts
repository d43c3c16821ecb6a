/** Follows a path as error messages write it, `data.items[3].prices.get("eur")`, to its value. */

/** Returns the value, or throws an error that says where the path ends. Reads the path at the beginning of `message`, up to a backtick. */
export function followPath(data: unknown, message: string): unknown {
  let value = data
  let rest = message.replace(/^data/, '')
  while (!rest.startsWith('`')) {
    const step = steps.find(({ pattern }) => pattern.test(rest))
    const [text = '', argument = ''] = step?.pattern.exec(rest) ?? []
    if (!step) throw new Error(`no step at ${rest.slice(0, 60)}`)
    value = step.take(value, argument)
    rest = rest.slice(text.length)
  }
  return value
}

interface Step {
  pattern: RegExp
  take(value: unknown, argument: string): unknown
}

const steps: readonly Step[] = [
  { pattern: /^\.get\((.*?|"(?:[^"\\]|\\.)*")\)(?=[.[`])/, take: (map, key) => entry(map, literal(key)) },
  { pattern: /^\.keys\(\)\[(\d+)\]/, take: (map, row) => at([...collection(map).keys()], Number(row)) },
  { pattern: /^\.values\(\)\[(\d+)\]/, take: (map, row) => at([...collection(map).values()], Number(row)) },
  { pattern: /^\.([A-Za-z_$][\w$]*)/, take: property },
  { pattern: /^\[(\d+)\]/, take: property },
  { pattern: /^\[("(?:[^"\\]|\\.)*")\]/, take: (object, key) => property(object, String(JSON.parse(key))) },
]

function property(object: unknown, key: string): unknown {
  if (typeof object !== 'object' || object === null) throw new Error(`nothing can be at ${key}`)
  if (!Object.hasOwn(object, key) && !(object instanceof Error)) throw new Error(`nothing is at ${key}`)
  return Reflect.get(object, key)
}

function entry(map: unknown, key: unknown): unknown {
  if (!(map instanceof Map) || !map.has(key)) throw new Error(`no entry ${String(key)}`)
  return map.get(key)
}

function collection(value: unknown): ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> {
  if (value instanceof Map || value instanceof Set) return value
  throw new Error('neither a Map nor a Set')
}

function at(list: readonly unknown[], row: number): unknown {
  if (row >= list.length) throw new Error(`no entry in row ${row}`)
  return list[row]
}

function literal(text: string): unknown {
  if (text === 'undefined') return undefined
  if (/^-?\d+n$/.test(text)) return BigInt(text.slice(0, -1))
  if (text === 'NaN' || text.endsWith('Infinity')) return Number(text)
  return JSON.parse(text)
}
