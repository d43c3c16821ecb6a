/** The questions, in the order in which a full run asks them. */
import type { Question } from '../question.ts'
import { drain } from './drain.ts'
import { orderedDrain } from './ordered-drain.ts'
import { pgBossPolicies } from './pg-boss-policies.ts'
import { publish } from './publish.ts'
import { publishPartitioned } from './publish-partitioned.ts'
import { testingOverhead } from './testing-overhead.ts'

export const questions: readonly Question[] = [
  publish,
  orderedDrain,
  publishPartitioned,
  pgBossPolicies,
  testingOverhead,
]
