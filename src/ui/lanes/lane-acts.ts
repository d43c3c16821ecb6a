/** The acts on a lane, each with a sentence about what it does. */
import type { Lane, LaneName } from '../../deliveries/lanes.ts'
import { doLink } from '../doing/do-link.ts'
import type { DoingName } from '../doing/doings.ts'
import { html, type Markup } from '../html.ts'
import type { Visit } from '../visit.ts'

interface Offer {
  readonly name: DoingName
  readonly text: string
  readonly does: string
}

const RETRY: Offer = {
  name: 'retry-head',
  text: 'Retry',
  does: 'Tries the head again now. Those behind it follow in order.',
}
const SKIP: Offer = {
  name: 'skip-head',
  text: 'Skip',
  does: 'Makes the head a dead letter. The key goes on with the next.',
}
const REPAIR: Offer = {
  name: 'repair-lane',
  text: 'Repair',
  does: 'Runs the key again from the oldest dead letter of it on, in order.',
}
const PAUSE: Offer = { name: 'pause-lane', text: 'Pause', does: 'Nothing of this key begins until someone resumes it.' }
const RESUME: Offer = { name: 'resume-lane', text: 'Resume', does: 'Lets the key go on, in order.' }

export function laneActs(visit: Visit, { handler, partitionKey }: LaneName, lane: Lane | null): Markup | '' {
  if (visit.viewer.level !== 'all') return ''
  const values = { handler, key: partitionKey }
  return html`<h2>Acts</h2>
    <dl class="facts">
      ${offersFor(lane).map(
        ({ name, text, does }) =>
          html`<dt>${doLink(visit, { name, values, text })}</dt>
            <dd>${does}</dd>`,
      )}
    </dl>`
}

function offersFor(lane: Lane | null): readonly Offer[] {
  if (lane === null) return [REPAIR, PAUSE, RESUME]
  const onHead = lane.state === 'running' ? [] : [RETRY, SKIP]
  return [...onHead, REPAIR, lane.isPaused ? RESUME : PAUSE]
}
