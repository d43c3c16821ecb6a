/** A target for many endpoints, with a circuit for each: messages to an endpoint that is down are postponed. */
import { safeTextOfError } from '../../error-text.ts'
import { snooze } from '../../handlers/outcome.ts'
import type { RelayAnswer, RelayContext, RelayTarget } from '../target.ts'
import type { RelayMessage } from '../message.ts'
import { EndpointCircuits, type CircuitOptions } from './endpoint-circuits.ts'
import { WebhookError } from './webhook-error.ts'

export interface Guarded {
  readonly circuit: CircuitOptions
  endpointOf(context: RelayContext): string
  /** Called when the circuit of an endpoint has opened. */
  readonly onFailing: ((endpoint: string, error: WebhookError) => unknown) | undefined
}

export function guardedTarget(target: RelayTarget, { circuit, endpointOf, onFailing }: Guarded): RelayTarget {
  const circuits = new EndpointCircuits(circuit)

  async function send(message: RelayMessage, context: RelayContext): Promise<RelayAnswer | void> {
    const endpoint = endpointOf(context)
    const entry = circuits.enter(endpoint)
    if (entry.is === 'wait') return waitFor(entry.waitMs)
    try {
      const answer = await target.send(message, context)
      circuits.passed(endpoint)
      return answer
    } catch (error) {
      if (!(error instanceof WebhookError) || context.signal.aborted) throw error // such an error says nothing about the endpoint
      if (!error.isOutage) {
        circuits.passed(endpoint)
        throw error
      }
      const failure = circuits.failed(endpoint, entry)
      if (failure.is === 'put-off') return waitFor(failure.waitMs)
      if (failure.is === 'opened') await tell(endpoint, error, context)
      throw error
    }
  }

  /** An error that the application throws here must not hide why the attempt failed. */
  async function tell(endpoint: string, error: WebhookError, { log }: RelayContext): Promise<void> {
    log.warn(`the endpoint ${endpoint} fails, and is left alone for a while`, { endpoint })
    try {
      await onFailing?.(endpoint, error)
    } catch (thrown) {
      log.error(`\`onFailing\` threw: ${safeTextOfError(thrown)}`, { endpoint })
    }
  }

  return Object.freeze({ ...target, send })
}

function waitFor(ms: number) {
  return snooze({ seconds: Math.max(ms, 1) / 1_000 })
}
