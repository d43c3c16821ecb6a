/** Every page, by its address. The pages in the navigation get their names in `navigation.ts`. */
import { actsPage } from './acts/acts-page.ts'
import { deadLettersPage } from './dead-letters/dead-letters-page.ts'
import { eventPage } from './event/event-page.ts'
import { eventsPage } from './events/events-page.ts'
import { find } from './events/find.ts'
import { handlerPage } from './handlers/handler-page.ts'
import { handlersPage } from './handlers/handlers-page.ts'
import { lanePage } from './lanes/lane-page.ts'
import { lanesPage } from './lanes/lanes-page.ts'
import { nowPage } from './now/now-page.ts'
import { replaysPage } from './replays/replays-page.ts'
import { schedulesPage } from './schedules/schedules-page.ts'
import type { ShowPage } from './visit.ts'

export const PAGES: readonly (readonly [path: string, show: ShowPage])[] = [
  ['/', nowPage],
  ['/events', eventsPage],
  ['/events/:id', eventPage],
  ['/find', find],
  ['/handlers', handlersPage],
  ['/handlers/:name', handlerPage],
  ['/lanes', lanesPage],
  ['/lanes/show', lanePage],
  ['/dead-letters', deadLettersPage],
  ['/schedules', schedulesPage],
  ['/replays', replaysPage],
  ['/acts', actsPage],
]
