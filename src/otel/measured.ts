/** Runs what is inside of a hook, and writes into its span how it went. */
import { performance } from 'node:perf_hooks'
import { SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'
import { safeTextOfError } from '../error-text.ts'
import { isAnswer } from '../handlers/outcome.ts'
import { errorType, failureIn } from '../metrics/labels.ts'

export interface Measured {
  readonly seconds: number
  /** What metrics say of the error; null when it went well. */
  readonly error: Attributes | null
}

/** Never rejects: an error that a hook has caught is the outcome all the same. */
export async function measured(span: Span, inside: () => Promise<unknown>): Promise<Measured> {
  const began = performance.now()
  const end = (error: Attributes | null): Measured => {
    span.end()
    return { seconds: (performance.now() - began) / 1_000, error }
  }
  try {
    const value = await inside()
    if (!isAnswer(value)) return end(null)
    span.setAttribute('postbus.outcome', value.is)
    const failure = failureIn(value)
    return end(failure && failed(span, failure.reason, failure.type))
  } catch (error) {
    span.recordException(error instanceof Error ? error : safeTextOfError(error))
    return end(failed(span, safeTextOfError(error), errorType(error)))
  }
}

function failed(span: Span, message: string, type: string): Attributes {
  const error = { 'error.type': type }
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.setAttributes(error)
  return error
}
