/** Runs the work inside a hook, and writes the outcome into the hook's span. */
import { performance } from 'node:perf_hooks'
import { SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'
import { safeTextOfError } from '../error-text.ts'
import { isAnswer } from '../handlers/outcome.ts'
import { errorType, failureIn } from '../metrics/labels.ts'

export interface Measured {
  readonly seconds: number
  /** The attributes of the error for metrics; null when the work succeeded. */
  readonly error: Attributes | null
}

/** Never rejects: the bus still takes the error as the outcome, even if a hook catches it. */
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
