/** The questions, in the order in which a full run asks them. */
import type { Question } from '../question.ts'
import { orderedDrain } from './ordered-drain.ts'

export const questions: readonly Question[] = [orderedDrain]
