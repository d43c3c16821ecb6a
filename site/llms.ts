/** `llms.txt`: the list of all pages for programs that read documentation. And all of them in one file. */
import { DECISIONS, SECTIONS, type Page } from './pages.ts'
import { firstSentenceOf } from './markdown.ts'
import { decisionFiles, publishedFiles, textOf, titleOf } from './published.ts'

/** The list, with links as `addressOf` makes them of a file. */
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

/** Every page but the decisions, one after the other. */
export function llmsFull(): string {
  return publishedFiles()
    .filter((file) => !file.startsWith(DECISIONS))
    .map((file) => `<!-- ${file} -->\n\n${textOf(file).trim()}\n`)
    .join('\n')
}
