/** Every page, by its address. What stands in the navigation has a name there. */
import { deadLettersPage } from './dead-letters/dead-letters-page.ts'
import { eventsPage } from './events/events-page.ts'
import { find } from './events/find.ts'
import { nowPage } from './now/now-page.ts'
import type { ShowPage } from './visit.ts'

export const PAGES: readonly (readonly [path: string, show: ShowPage])[] = [
  ['/', nowPage],
  ['/events', eventsPage],
  ['/find', find],
  ['/dead-letters', deadLettersPage],
]
