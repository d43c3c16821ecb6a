/** A head of a table that is empty is a cell like others, for those who hear the page. */
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
