/** Limits on values, such as `minLength`: finds changes that let fewer values through. */
import type { Alternative } from './alternatives.ts'

/** With these, a higher number lets fewer values through. */
const LOWER_BOUNDS = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
/** With these, a lower number lets fewer values through. */
const UPPER_BOUNDS = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
/** With these, every change may let fewer values through. */
const FORMS = ['format', 'pattern', 'multipleOf', 'uniqueItems', 'contentEncoding', 'propertyNames']

/** Returns the changes that let fewer values through as text, such as `minLength is 3 now, was 1`. */
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
