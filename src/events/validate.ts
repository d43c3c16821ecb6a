/** Checks data against the schema of its event type, and describes every problem. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { PostbusError } from '../errors.ts'

/** @throws {PostbusError} `POSTBUS_INVALID_EVENT`, with every problem and its place. */
export function validate<Schema extends StandardSchemaV1>(
  type: string,
  schema: Schema,
  data: unknown,
): StandardSchemaV1.InferOutput<Schema> {
  const result = schema['~standard'].validate(data)
  if ('then' in result) {
    Promise.resolve(result).catch(() => undefined) // the refusal below is the error to see, not an unhandled rejection
    throw new PostbusError(
      'POSTBUS_INVALID_EVENT',
      `${type}: its schema is asynchronous, but events are made inside transactions. Use a schema without async parts.`,
    )
  }
  if (!result.issues) return result.value
  throw new PostbusError('POSTBUS_INVALID_EVENT', describeIssues(type, result.issues))
}

function describeIssues(type: string, issues: readonly StandardSchemaV1.Issue[]): string {
  const problems = issues.length === 1 ? '1 problem' : `${issues.length} problems`
  return [`${type}: ${problems}`, ...issues.map((issue) => `  ✖ ${issue.message}${placeOf(issue)}`)].join('\n')
}

function placeOf(issue: StandardSchemaV1.Issue): string {
  if (!issue.path?.length) return ''
  const keys = issue.path.map((part) => String(typeof part === 'object' ? part.key : part))
  return ` → at ${keys.join('.')}`
}
