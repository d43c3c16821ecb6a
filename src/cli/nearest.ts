/** "Did you mean …?" for a mistyped word. */

/** A sentence naming the closest of `known`, or nothing if none is close. */
export function nearest(word: string, known: readonly string[]): string {
  const [best] = known.map((name) => ({ name, edits: editDistance(word, name) })).toSorted((a, b) => a.edits - b.edits)
  return best && best.edits <= Math.max(2, best.name.length / 3) ? ` Did you mean "${best.name}"?` : ''
}

/** Levenshtein's distance: how many characters must be inserted, removed or replaced. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [row, character] of [...from].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...to].entries()) {
      const replaced = (previous[column] ?? 0) + (character === other ? 0 : 1)
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}
