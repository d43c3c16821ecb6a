/** Makes `llms.txt`, the list of all pages for programs that read documentation, and a file with the text of all pages. */
import { DECISIONS, SECTIONS, type Page } from './pages.ts'
import { firstSentenceOf } from './markdown.ts'
import { decisionFiles, publishedFiles, textOf, titleOf } from './published.ts'

/** The list of pages. `addressOf` returns the link for a file. */
export function llmsIndex(addressOf: (file: string) => string): string {
  const sections = SECTIONS.filter(({ pages }) => pages.length > 0).map(
    ({ title, pages }) => `## ${title}\n\n${pages.map((page) => line(page, addressOf)).join('\n')}`,
  )
  const decisions = decisionFiles().map((file) => line({ name: titleOf(file), file }, addressOf))
  return [
    '# Postbus',
    `> ${firstSentenceOf(textOf('README.md'))}`,
    ...sections,
    `## Optional\n\n${decisions.join('\n')}`,
    '',
  ].join('\n\n')
}

function line({ name, file }: Page, addressOf: (file: string) => string): string {
  return `- [${name}](${addressOf(file)}): ${firstSentenceOf(textOf(file))}`
}

/** The text of every page except the decisions, one after the other. */
export function llmsFull(): string {
  return publishedFiles()
    .filter((file) => !file.startsWith(DECISIONS))
    .map((file) => `<!-- ${file} -->\n\n${textOf(file).trim()}\n`)
    .join('\n')
}
