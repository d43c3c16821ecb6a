/** All actions of the page, by their names in addresses. */
import { retryBlockedLanes } from './blocked-lanes.ts'
import { dismissDeadLetters, retryDeadLetters } from './dead-letters.ts'
import { completeDelivery, failDelivery, skipDelivery } from './deliveries.ts'
import type { Doing } from './doing.ts'
import { cancelEvent, redactEvent, replayEvent } from './events.ts'
import { pause, resume, rewindLog, skipInLog } from './handlers.ts'
import { pauseLane, repairLane, resumeLane, retryHead, rewindLane, skipHead } from './lanes.ts'
import { beginReplay, cancelReplay, pauseReplay, resumeReplay } from './replays.ts'
import { runSchedule } from './schedules.ts'

export const DOINGS = {
  'retry-dead-letters': retryDeadLetters,
  'dismiss-dead-letters': dismissDeadLetters,
  'retry-head': retryHead,
  'skip-head': skipHead,
  'rewind-lane': rewindLane,
  'repair-lane': repairLane,
  'pause-lane': pauseLane,
  'resume-lane': resumeLane,
  'retry-blocked': retryBlockedLanes,
  'cancel-event': cancelEvent,
  'redact-event': redactEvent,
  'replay-event': replayEvent,
  'complete-delivery': completeDelivery,
  'skip-delivery': skipDelivery,
  'fail-delivery': failDelivery,
  pause,
  resume,
  'rewind-log': rewindLog,
  'skip-in-log': skipInLog,
  'begin-replay': beginReplay,
  'pause-replay': pauseReplay,
  'resume-replay': resumeReplay,
  'cancel-replay': cancelReplay,
  'run-schedule': runSchedule,
} as const satisfies Record<string, Doing>

export type DoingName = keyof typeof DOINGS
