/** Draws an event's data as a readable tree, including values that JSON does not have. Reads no more of the data than it shows. */
import { types } from 'node:util'
import { html, type Markup } from '../html.ts'
import { oneLine } from '../parts/one-line.ts'

/** A page stays below 100 KB. So there are limits for the number of values, for their depth, and for the length of a text. */
const MOST_VALUES = 400
const MOST_DEEP = 12
const MOST_TEXT = 2_000
const OPEN_TO = 3

interface Room {
  left: number
}

export function dataTree(data: unknown): Markup {
  return html`<div class="data" role="region" aria-label="Data" tabindex="0">
    ${draw(data, 0, { left: MOST_VALUES })}
  </div>`
}

function draw(value: unknown, depth: number, room: Room): Markup {
  room.left -= 1
  if (typeof value === 'string') return text(value)
  if (typeof value !== 'object' || value === null) return simple(value)
  return leaf(value) ?? inner(value, depth, room)
}

function text(value: string): Markup {
  const isLong = value.length > MOST_TEXT
  const shown = isLong ? value.slice(0, MOST_TEXT).toWellFormed() : value.toWellFormed()
  const rest = isLong ? html` <span class="kind">and ${value.length - MOST_TEXT} more characters</span>` : ''
  return html`<span class="string">${JSON.stringify(shown)}</span>${rest}`
}

function simple(value: unknown): Markup {
  const shown = Object.is(value, -0) ? '-0' : String(value)
  const kind = typeof value === 'bigint' ? 'bigint' : ''
  return marked(shown, kind)
}

function marked(shown: string, kind: string): Markup {
  return html`<span class="value">${shown}</span>${kind === '' ? '' : html` <span class="kind">${kind}</span>`}`
}

/** Draws an object that has no further values inside; `null`: it has some. */
function leaf(value: object): Markup | null {
  if (types.isDate(value)) return marked(oneLine(value), 'Date')
  if (types.isRegExp(value)) return marked(oneLine(value, MOST_TEXT), 'RegExp')
  if (value instanceof URL) return marked(oneLine(value, MOST_TEXT), 'URL')
  if (types.isTypedArray(value)) return marked(elementsOf(value), `${value[Symbol.toStringTag]}(${value.length})`)
  if (types.isNativeError(value)) return marked(oneLine(value, MOST_TEXT), 'Error')
  return null
}

function elementsOf(array: NodeJS.TypedArray): string {
  const shown = Array.from(array.subarray(0, 48) as ArrayLike<number>, (one) =>
    types.isUint8Array(array) ? one.toString(16).padStart(2, '0') : String(one),
  )
  return shown.join(' ') + (array.length > 48 ? ' …' : '')
}

type Entry = readonly [name: string, value: unknown]

function inner(value: object, depth: number, room: Room): Markup {
  const { kind, size, entries } = partsOf(value)
  if (size === 0) return html`<span class="kind">${kind} (empty)</span>`
  if (depth >= MOST_DEEP || room.left <= 0) return html`<span class="kind">${kind}, not shown</span>`
  const summary = html`<span class="kind">${kind} (${size})</span>`
  return html`<details ${depth < OPEN_TO && html`open`}>
    <summary>${summary}</summary>
    <ul>
      ${list({ kind, size, entries }, depth, room)}
    </ul>
  </details>`
}

/** Each kind has its own form: fields have a colon, pairs of a Map have an arrow, and elements of a Set stand alone. */
function list({ kind, size, entries }: Parts, depth: number, room: Room): readonly Markup[] {
  const shown: Markup[] = []
  for (const [name, value] of entries) {
    if (room.left <= 0) return [...shown, html`<li class="kind">and ${size - shown.length} more</li>`]
    const before = kind === 'Set' ? '' : `${name}${kind === 'Map' ? ' =>' : ':'} `
    shown.push(html`<li>${before}${draw(value, depth + 1, room)}</li>`)
  }
  return shown
}

interface Parts {
  readonly kind: string
  readonly size: number
  readonly entries: Iterable<Entry>
}

function partsOf(value: object): Parts {
  if (types.isMap(value)) return { kind: 'Map', size: value.size, entries: pairs(value) }
  if (types.isSet(value)) return { kind: 'Set', size: value.size, entries: numbered(value) }
  if (Array.isArray(value)) return { kind: 'list', size: value.length, entries: numbered(value) }
  const names = Object.keys(value)
  return { kind: 'object', size: names.length, entries: fields(value, names) }
}

function* numbered(values: Iterable<unknown>): Iterable<Entry> {
  let at = 0
  for (const value of values) yield [String(at++), value]
}

function* pairs(map: ReadonlyMap<unknown, unknown>): Iterable<Entry> {
  for (const [key, value] of map) yield [oneLine(key, 80), value]
}

function* fields(object: object, names: readonly string[]): Iterable<Entry> {
  for (const name of names)
    yield [name.length > 200 ? `${name.slice(0, 200).toWellFormed()}…` : name, fieldOf(object, name)]
}

/** An object of the application's own class, made by its own codec, may have a getter that throws. */
function fieldOf(object: object, name: string): unknown {
  try {
    return Reflect.get(object, name)
  } catch {
    return undefined
  }
}
