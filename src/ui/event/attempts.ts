/** The attempts of a delivery on a time line: each error with its stack, and the present state. */
import type { AttemptError } from '../../deliveries/delivery.ts'
import type { DeliveryState } from '../../deliveries/delivery-state.ts'
import { html, type Markup } from '../html.ts'
import { time } from '../parts/time.ts'
import { errorLine } from '../shown-error.ts'
import type { Visit } from '../visit.ts'

/** A page stays below 100 KB, but each of many handlers can have twenty errors. So a page shows at most this many characters of stacks. */
const MOST_STACKS = 30_000
const MOST_STACK = 4_000

export interface StackRoom {
  left: number
}

export function stackRoom(): StackRoom {
  return { left: MOST_STACKS }
}

interface Attempts {
  readonly state: DeliveryState
  readonly errors: readonly AttemptError[]
  readonly startedAt?: Date | null
  readonly endedAt?: Date | null
  readonly dueAt?: Date | null
}

export function attemptsLine(visit: Visit, attempts: Attempts, room: StackRoom): Markup {
  const { state, errors, startedAt = null, endedAt = null, dueAt = null } = attempts
  return html`<ol class="attempts">
    ${errors.map((error) => failed(visit, error, room))}
    ${state === 'running' ? html`<li>running since ${time(startedAt)}</li>` : ''}
    ${state === 'done' ? html`<li class="good">done ${time(endedAt)}</li>` : ''}
    ${dueAt === null || state === 'running' ? '' : html`<li>due ${time(dueAt)}</li>`}
  </ol>`
}

function failed(visit: Visit, error: AttemptError, room: StackRoom): Markup {
  return html`<li class="bad">
    attempt ${error.attempt}, ${timeOf(error.at)}: ${errorLine(visit, error, 1_000)} ${stackOf(visit, error, room)}
  </li>`
}

/** The time is text that a worker wrote, so it may not be a valid date. */
function timeOf(at: string): Markup | string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? at : time(date)
}

function stackOf({ viewer }: Visit, { attempt, stack }: AttemptError, room: StackRoom): Markup | '' {
  if (!viewer.showData || stack === null || stack === '') return ''
  const shown = stack.slice(0, Math.min(MOST_STACK, room.left)).toWellFormed()
  room.left -= shown.length
  if (shown === '') return ''
  return html`<details>
    <summary>Stack of attempt ${attempt}</summary>
    <pre tabindex="0">${shown}${shown.length < stack.length ? '\n…' : ''}</pre>
  </details>`
}
