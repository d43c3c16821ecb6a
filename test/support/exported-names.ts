/** The names that a file of the library exports, read from its text. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export function exportedNames(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const listed = Array.from(text.matchAll(/^export (?:type )?\{([\s\S]*?)\}/gm), ([, names = '']) => names.split(','))
  const declared = text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:async )?(?:interface|type|function|const|class) (\w+)/gm,
  )
  const passedOn = text.matchAll(/^export (?:type )?\* from '(.+)'/gm)
  return [
    ...listed.flat().map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/^\w+ as /, ''),
    ),
    ...Array.from(declared, ([, name = '']) => name),
    ...Array.from(passedOn, ([, path = '']) => exportedNames(join(file, '..', path))).flat(),
  ].filter((name) => name !== '')
}
