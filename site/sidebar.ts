/** The sidebar: the sections of `pages.ts`, with the API in the section Reference and a line for each decision. */
import { entries, placeOfEntry } from './entries.ts'
import { SECTIONS, type Page, type Section } from './pages.ts'
import { decisionFiles, placeOf, titleOf } from './published.ts'

interface Item {
  readonly text: string
  readonly link?: string
  readonly items?: Item[]
}

export function sidebar(): Item[] {
  return SECTIONS.filter(({ pages }) => pages.length > 0).map((section) => ({
    text: section.title,
    items: [...section.pages.map(itemOf), ...generated(section)],
  }))
}

function itemOf({ name, file }: Page): Item {
  return { text: name, link: addressOf(file) }
}

function generated({ title }: Section): Item[] {
  if (title === 'Reference') return [{ text: 'API', items: entries().map(apiItem) }]
  if (title !== 'Inside') return []
  const decisions = decisionFiles().map((file) => ({ text: titleOf(file), link: addressOf(file) }))
  return [{ text: 'Decisions', items: decisions }]
}

function apiItem(entry: ReturnType<typeof entries>[number]): Item {
  return { text: entry.name, link: placeOfEntry(entry) }
}

function addressOf(file: string): string {
  return `/${placeOf(file)
    .replace(/\.md$/, '')
    .replace(/(^|\/)index$/, '$1')}`
}
