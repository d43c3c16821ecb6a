/** Finds a contestant in a worker process, by its file and its name. */
import type { Contestant, Home } from './contestant.ts'

/** Only one is loaded: the cost of an idle process must not depend on libraries that it does not use. */
const homes: Readonly<Record<Home, () => Promise<{ contestants: readonly Contestant[] }>>> = {
  postbus: () => import('./postbus.ts'),
  'pg-boss': () => import('./pg-boss.ts'),
  'pg-boss-work': () => import('./pg-boss-work.ts'),
  'graphile-worker': () => import('./graphile-worker.ts'),
  bullmq: () => import('./bullmq.ts'),
  'raw-sql': () => import('./raw-sql.ts'),
}

export async function contestantNamed(home: Home, name: string): Promise<Contestant> {
  const { contestants } = await homes[home]()
  const found = contestants.find((contestant) => contestant.name === name)
  if (!found) throw new Error(`No contestant in ${home} is named "${name}".`)
  return found
}

export function isHome(text: string): text is Home {
  return Object.hasOwn(homes, text)
}
