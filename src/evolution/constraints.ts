/** Limits on values, such as `minLength`: whether a change of them lets fewer values through. */
import type { Alternative } from './alternatives.ts'

/** With these, a higher number lets fewer values through. */
const LOWER_BOUNDS = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
/** With these, a lower number does. */
const UPPER_BOUNDS = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
/** With these, every change may. */
const FORMS = ['format', 'pattern', 'multipleOf', 'uniqueItems', 'contentEncoding', 'propertyNames']

/** Each in words, such as `minLength is 3 now, was 1`. */
export function narrowedLimits({ keywords: before }: Alternative, { keywords: now }: Alternative): readonly string[] {
  const changes = [...LOWER_BOUNDS, ...UPPER_BOUNDS, ...FORMS].filter((keyword) =>
    isNarrower(keyword, before[keyword], now[keyword]),
  )
  return changes.map((keyword) => {
    const was = before[keyword] === undefined ? '' : `, was ${JSON.stringify(before[keyword])}`
    return `${keyword} is ${JSON.stringify(now[keyword])} now${was}`
  })
}

function isNarrower(keyword: string, before: unknown, now: unknown): boolean {
  if (now === undefined || JSON.stringify(before) === JSON.stringify(now)) return false
  if (before === undefined || FORMS.includes(keyword)) return true
  return LOWER_BOUNDS.includes(keyword) ? Number(now) > Number(before) : Number(now) < Number(before)
}
