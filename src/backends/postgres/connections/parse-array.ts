/** Reads an array as Postgres writes it: `{a,"b, c",NULL,{d}}`. */

/** Each element goes through `parse`; NULL stays null. */
export function parseArray(text: string, parse: (element: string) => unknown): readonly unknown[] {
  let at = text.indexOf('{') // bounds may come first: [0:2]={…}

  const array = (): unknown[] => {
    const elements: unknown[] = []
    for (at += 1; text[at] !== '}' && at < text.length; at += text[at] === ',' ? 1 : 0) elements.push(element())
    at += 1
    return elements
  }
  const element = (): unknown => {
    if (text[at] === '{') return array()
    if (text[at] === '"') return parse(quoted())
    const end = text.slice(at).search(/[,}]/)
    const plain = text.slice(at, at + end)
    at += end
    return plain === 'NULL' ? null : parse(plain)
  }
  const quoted = (): string => {
    let content = ''
    for (at += 1; text[at] !== '"' && at < text.length; at += 1) {
      if (text[at] === '\\') at += 1
      content += text[at]
    }
    at += 1
    return content
  }
  return array()
}
