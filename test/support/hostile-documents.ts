/** Texts that only an attacker or an accident would put into the table. */

export interface HostileDocument {
  name: string
  text: string
}

const json = (value: unknown): string => JSON.stringify(value)
const withValues = (data: unknown, values: unknown): string => json({ json: data, meta: { values, v: 1 } })
const withReferences = (data: unknown, referentialEqualities: unknown, values?: unknown): string =>
  json({ json: data, meta: { values, referentialEqualities, v: 1 } })

export const hostileDocuments: HostileDocument[] = documents({
  'empty text': '',
  'no JSON': '{"json":',
  null: 'null',
  number: '42',
  array: '[]',
  'an object without json': '{}',
  'an unknown part': '{"json":1,"more":1}',
  'meta that is null': '{"json":1,"meta":null}',
  'meta that is an array': '{"json":1,"meta":[]}',
  'meta without a version': json({ json: ['x'], meta: { values: { 0: ['Date'] } } }),
  'meta of another version': json({ json: ['x'], meta: { v: 2 } }),
  'an unknown part of meta': json({ json: 1, meta: { v: 1, class: 'Money' } }),
  'values that are a text': withValues(1, 'Date'),
  'values that are null': withValues(1, null),
  'an empty annotation': withValues(1, []),
  'a long annotation': withValues([1], ['set', {}, {}]),
  'an annotation that is no list': withValues([1], { 0: 'Date' }),
  'a path that leads nowhere': withValues([1], { 1: ['Date'] }),
  'a path to the length of an array': withValues([1], { length: ['bigint'] }),
  'a path into a text': withValues(['x'], { '0.0': ['Date'] }),
  'a path with an unknown escape': withValues([1], { '\\x': ['Date'] }),
  'a path with an unfinished escape': withValues([1], { '\\': ['Date'] }),
  'a path of 100,000 segments': withValues([1], { [Array(1e5).fill('0').join('.')]: ['Date'] }),
  'a path of a million characters': withValues([1], { ['x'.repeat(1e6)]: ['Date'] }),
  'annotations in an object without a list': withValues([['x']], { 0: { 0: ['Date'] } }),
  'an annotation around another one': withValues({ a: ['1'] }, { 'a.0': ['bigint'], a: ['set'] }),
  'a key of a million characters with an annotation': withValues(
    { ['k'.repeat(1e6)]: null },
    { ['k'.repeat(1e6)]: ['undefined'] },
  ),
  'two annotations of one value': withValues([['1']], { 0: ['set'], '0.0': ['bigint'] }),
  'an annotation inside a Date': withValues(['x'], ['Date', { 0: ['Date'] }]),
  'an unknown kind': withValues('x', ['Temporal']),
  'a kind named like a method': withValues('x', ['toString']),
  'a kind that is a number': withValues('x', [1]),
  'a class': withValues({}, [['class', 'Date']]),
  'a symbol': withValues('x', [['symbol', 'x']]),
  'an unregistered codec': withValues({}, [['custom', 'money']]),
  'a codec named like a method': withValues({}, [['custom', 'toString']]),
  'a codec named like the prototype': withValues({}, [['custom', '__proto__']]),
  'undefined with a value': withValues(1, ['undefined']),
  'a number as a number': withValues(1, ['number']),
  'a text as a number': withValues('0x10', ['number']),
  'a Date that is none': withValues('yesterday', ['Date']),
  'a Date that is a number': withValues(0, ['Date']),
  'a Date in another notation': withValues('2026-01-01', ['Date']),
  'a bigint that is a text': withValues('0x10', ['bigint']),
  'a bigint of a million digits': withValues('9'.repeat(1e6), ['bigint']),
  'a Map that is an object': withValues({}, ['map']),
  'a Map of numbers': withValues([1], ['map']),
  'a Map with an annotated entry': withValues([[1, 2]], ['map', { 0: ['set'] }]),
  'a Set that is a text': withValues('abc', ['set']),
  'an Error that is a text': withValues('x', ['Error']),
  'an Error without a name': withValues({ message: 'm' }, ['Error']),
  'an Error without a message': withValues({ name: 'E' }, ['Error']),
  'an Error that is a list': withValues(['E', 'm'], ['Error']),
  'a text of more than 64 MiB': ' '.repeat(64 * 1_048_576 + 1),
  'an Error with a stack': withValues({ name: 'E', message: 'm', stack: 's' }, ['Error']),
  'an Error with an annotated message': withValues({ name: 'E', message: '1' }, ['Error', { message: ['bigint'] }]),
  'a URL that is none': withValues('not a url', ['URL']),
  'a RegExp that is none': withValues('a', ['regexp']),
  'a RegExp that does not compile': withValues('/(/', ['regexp']),
  'a RegExp with unknown flags': withValues('/a/zz', ['regexp']),
  'a RegExp of a million characters': withValues(`/${'(a+)+'.repeat(2e5)}/`, ['regexp']),
  'a typed array of 3,000,000,000 elements': withValues(3e9, [['typed-array', 'Float64Array']]),
  'a typed array that is an object': withValues({ length: 3e9 }, [['typed-array', 'Float64Array']]),
  'a typed array of texts': withValues(['1'], [['typed-array', 'Uint8Array']]),
  'a typed array of an unknown kind': withValues([1], [['typed-array', 'Buffer']]),
  '201 levels': `{"json":${'['.repeat(201)}${']'.repeat(201)}}`,
  '100,000 levels': `{"json":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
  '10,000 levels with a key that needs care': `{"json":${'{"\\n":'.repeat(1e4)}1${'}'.repeat(1e4)}}`,
  '10,000 levels of annotations': json({ json: 1 }).replace(
    '}',
    `,"meta":{"values":${'["set",{"0":'.repeat(1e4)}["set"]${'}]'.repeat(1e4)},"v":1}}`,
  ),
  'an open text with many escapes': `"${'\\"'.repeat(1e6)}`,
  'references that are a text': withReferences([{}, {}], 'x'),
  'references that are empty': withReferences([{}, {}], []),
  'references that are no lists': withReferences([{}, {}], { 0: '1' }),
  'a reference that is a number': withReferences([{}, {}], { 0: [1] }),
  'a reference from nowhere': withReferences([{}, {}], { 2: ['1'] }),
  'a reference to nowhere': withReferences([{}, {}], { 0: ['2'] }),
  'a reference to the length of an array': withReferences([{}, {}], { 0: ['length'] }),
  'a reference to an element of a Set': withReferences([{}, [1]], { 0: ['1.0'] }, { 1: ['set'] }),
  'a reference to a key of a Map': withReferences([{}, [[1, 2]]], { 0: ['1.0.0'] }, { 1: ['map'] }),
  'a reference to an entry of a Map': withReferences([{}, [[1, 2]]], { 0: ['1.0'] }, { 1: ['map'] }),
  'a reference into a Date': withReferences([{}, '2026-01-01T00:00:00.000Z'], { 0: ['1.x'] }, { 1: ['Date'] }),
  'a reference into an Error': withReferences(
    [{}, { name: 'E', message: 'm', cause: {} }],
    { 0: ['1.cause'] },
    { 1: ['Error'] },
  ),
  'a reference through a reference': withReferences([{}, { a: { b: {} } }], { 0: ['1.a', '1.a.b'] }),
  'a reference from what is replaced': withReferences([{}, { a: {} }, {}], { 0: ['1'], '1.a': ['2'] }),
  'two references to one place': withReferences([{}, {}, {}], { 0: ['2'], 1: ['2'] }),
  'references into a Map that take minutes': manyReferences(),
})

/** Each dangerous key, in each place of a document where a key or a path can be, also written with escapes. */
export function pollutingDocuments(): string[] {
  const keys = ['__proto__', 'constructor', 'prototype']
  const paths = keys.flatMap((key) => [
    key,
    `${key}.polluted`,
    `a.${key}`,
    `a.${key}.polluted`,
    `0.${key}`,
    `${key}.${key}`,
  ])
  const kindsByPath = ['set', 'map', 'Date', 'undefined', 'Error', ['custom', '__proto__'], ['class', 'Object']]
  const data = [{ a: {} }, [{}], { a: { b: 1 } }]

  const byKey = keys.flatMap((key) =>
    [`{"${key}":{"polluted":1}}`, `[{"a":{"${key}":1}}]`].map((text) => `{"json":${text}}`),
  )
  const byValue = paths.flatMap((path) =>
    kindsByPath.flatMap((kind) => data.map((at) => withValues(at, own(path, [kind])))),
  )
  const byReference = paths.flatMap((path) =>
    data.flatMap((at) => [
      withReferences(at, own(path, ['a'])),
      withReferences(at, { a: [path] }),
      withReferences(at, [[path]]),
    ]),
  )
  const plain = [...byKey, ...byValue, ...byReference]
  return [
    ...plain,
    ...plain.map((text) => text.replaceAll('__', String.raw`\u005f\u005f`).replaceAll('cons', String.raw`\u0063ons`)),
  ]
}

function own(key: string, value: unknown): object {
  return Object.fromEntries([[key, value]])
}

function manyReferences(): string {
  const rows = Array.from({ length: 5000 }, (_, row) => [row, 1])
  const paths = rows.map(([row]) => `1.${row}.1`)
  return withReferences([{}, rows], { 0: paths }, { 1: ['map'] })
}

function documents(byName: Record<string, string>): HostileDocument[] {
  return Object.entries(byName).map(([name, text]) => ({ name, text }))
}
