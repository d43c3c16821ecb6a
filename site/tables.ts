/** Renders an empty table head as an ordinary cell, for people who use a screen reader. */
import type { MarkdownRenderer } from 'vitepress'

export function withoutEmptyHeads(markdown: MarkdownRenderer): void {
  const { rules } = markdown.renderer
  rules['th_open'] = (tokens, index, options, _, self) => {
    if (tokens[index + 1]?.content === '') tokens[index]!.tag = 'td'
    return self.renderToken(tokens, index, options)
  }
  rules['th_close'] = (tokens, index, options, _, self) => {
    if (tokens[index - 1]?.content === '') tokens[index]!.tag = 'td'
    return self.renderToken(tokens, index, options)
  }
}
