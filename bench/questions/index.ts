/** The questions, in the order in which a full run asks them. */
import type { Question } from '../question.ts'
import { afterBurst } from './after-burst.ts'
import { drain } from './drain.ts'
import { fanOut } from './fan-out.ts'
import { idle } from './idle.ts'
import { kept } from './kept.ts'
import { latency } from './latency.ts'
import { latencyProfile } from './latency-profile.ts'
import { log } from './log.ts'
import { logTrouble } from './log-trouble.ts'
import { orderedDrain } from './ordered-drain.ts'
import { pgBossPolicies } from './pg-boss-policies.ts'
import { pinned } from './pinned.ts'
import { profile } from './profile.ts'
import { pruning } from './pruning.ts'
import { publish } from './publish.ts'
import { publishPartitioned } from './publish-partitioned.ts'
import { publishProfile } from './publish-profile.ts'
import { record } from './record.ts'
import { soak } from './soak.ts'
import { telemetry } from './telemetry.ts'
import { testingOverhead } from './testing-overhead.ts'
import { volume } from './volume.ts'

export const questions: readonly Question[] = [
  publish,
  publishProfile,
  fanOut,
  publishPartitioned,
  latency,
  latencyProfile,
  drain,
  afterBurst,
  orderedDrain,
  log,
  logTrouble,
  pgBossPolicies,
  profile,
  idle,
  soak,
  pruning,
  pinned,
  kept,
  volume,
  record,
  telemetry,
  testingOverhead,
]
