/** The map of rooms in `docs/architecture.md`, printed from the first sentence of each file. */
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const PLACES = ['src', 'migrations', 'config']

const BEGIN = '<!-- map -->'
const END = '<!-- /map -->'

/** Returns the document with the part between its two marks printed from the files. */
export function withMap(document: string): string {
  const [before, rest = ''] = document.split(BEGIN)
  const after = rest.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`Expected ${BEGIN} and ${END} in the document`)
  return `${before}${BEGIN}\n\n\`\`\`\n${PLACES.flatMap(linesOf).join('\n')}\n\`\`\`\n\n${END}${after}`
}

/** A line per folder, and below it one per file. */
function linesOf(place: string): readonly string[] {
  const byFolder = Map.groupBy(globSync(`${place}/**/*.ts`).toSorted(), (file) => dirname(file))
  return [...byFolder].toSorted(byPath).flatMap(([folder, files]) => {
    const width = Math.max(...files.map((file) => basename(file).length))
    return [`${folder}/`, ...files.map((file) => `  ${basename(file).padEnd(width)}  ${firstSentence(file)}`)]
  })
}

function byPath([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}

function firstSentence(file: string): string {
  const [, comment = ''] = /^(?:#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8')) ?? []
  const prose = comment.replace(/\n\s*\*?/g, '\n').trim()
  const [paragraph = ''] = prose.split(/\n\s*\n/)
  const [sentence = ''] = paragraph.replaceAll(/\s+/g, ' ').split(/(?<=\.) (?=[A-Z`])/)
  return sentence
}
