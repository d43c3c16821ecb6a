/** The small part of Markdown that the site parses itself: code, headings with their anchors, and the first sentence of a page. */

/** Returns the text with `change` applied to everything except code: fenced blocks and inline code stay as they are. */
export function outsideOfCode(text: string, change: (part: string) => string): string {
  const code = /^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[^\S\n]*$/gm
  let changed = ''
  let from = 0
  for (const { 0: block, index } of text.matchAll(code)) {
    changed += change(text.slice(from, index)) + block
    from = index + block.length
  }
  return changed + change(text.slice(from))
}

/** The anchors of a page, as GitHub makes them: an anchor that occurs again gets a number. */
export function headingsOf(text: string): readonly string[] {
  const seen = new Map<string, number>()
  const anchors: string[] = []
  outsideOfCode(text, (part) => {
    for (const [, heading = ''] of part.matchAll(/^#{1,6} (.+)$/gm)) {
      const anchor = anchorOf(heading)
      const times = seen.get(anchor) ?? 0
      seen.set(anchor, times + 1)
      anchors.push(times === 0 ? anchor : `${anchor}-${times}`)
    }
    return part
  })
  return anchors
}

/** The anchor that GitHub makes for a heading: lower case, no punctuation, a hyphen for each space. */
export function anchorOf(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replace(/\s/g, '-')
}

/** The first sentence after the first heading, as plain text. */
export function firstSentenceOf(text: string): string {
  const [, , ...after] = text.split(/^(# .+)$/m)
  const paragraph = after
    .join('')
    .split(/\n\s*\n/)
    .map((one) => one.trim())
    .find((one) => /^[\p{L}*`[“"]/u.test(one) && !one.startsWith('```'))
  const plain = (paragraph ?? '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '')
    .replaceAll(/\s+/g, ' ')
  return /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, '.') ?? plain
}
