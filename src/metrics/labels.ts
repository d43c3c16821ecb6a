/** The labels of metrics and spans for a publish and for an attempt, named as in OpenTelemetry's conventions for messaging. */
import { isAnswer } from '../handlers/outcome.ts'
import type { Labels } from './metrics.ts'

type Typed = { readonly type: string }

export function publishing(events: readonly Typed[]): Labels {
  return {
    'messaging.system': 'postbus',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': destinationOf(events),
  }
}

export function processing(handler: string, events: readonly Typed[]): Labels {
  return {
    'messaging.system': 'postbus',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': destinationOf(events),
    'messaging.consumer.group.name': handler,
  }
}

export function ofHandler(handler: string): Labels {
  return { 'messaging.system': 'postbus', 'messaging.consumer.group.name': handler }
}

/** Returns the error's code or class, not its message: a label must have few values. Never throws, even if a field of the error does. */
export function errorType(error: unknown): string {
  try {
    const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
    if (typeof code === 'string') return code
    return error instanceof Error ? error.name : '_OTHER'
  } catch {
    return '_OTHER'
  }
}

/** Returns the failure that a handler returned; `null` if it returned anything else. */
export function failureIn(value: unknown): { readonly type: 'failed' | 'discard'; readonly reason: string } | null {
  if (!isAnswer(value) || (value.is !== 'failed' && value.is !== 'discard')) return null
  return { type: value.is, reason: value.reason }
}

function destinationOf(events: readonly Typed[]): string {
  const [first, ...others] = events
  return others.some(({ type }) => type !== first?.type) ? 'several event types' : (first?.type ?? '')
}
