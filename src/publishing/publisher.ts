/** `publish`: from events to the backend's answer. What a backend stores has been checked and planned here. */
import { backendFor, type BusParts } from './backend-override.ts'
import type { PlannedEvent } from './backend.ts'
import type { Envelope } from '../events/envelope.ts'
import { planEvents } from './plan.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import { traced } from './trace.ts'
import { transactionFor } from './transaction-for.ts'

/** A bus and its `publish` need each other, so the parts are asked for at each call. */
export function publisher(partsOfBus: () => BusParts): BusParts['publish'] {
  return async function publish(
    events: Envelope | readonly Envelope[],
    options: PublishOptions = {},
  ): Promise<PublishResult> {
    const bus = partsOfBus()
    const backend = backendFor(bus, publish) // before the first await: a test wants the publisher's stack and context
    const trace = traced(bus.source) // before it, too: the frames around the caller
    const tx = transactionFor(options, bus.ambient, publish)
    const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
    // No await when the handlers are there: the statement is then sent in the caller's own turn of the event loop.
    const registry = bus.registry.loaded() ?? (await bus.registry.load())
    const { codec, defaults, filtered } = bus
    const emit = backend.callsNobody ? silent : bus.emit
    const planned: readonly PlannedEvent[] = planEvents(list, {
      registry,
      codec,
      emit,
      trace: (event) => trace(defaults(event)),
      filtered,
      hasLog: backend.hasLog ?? false,
      callsWithin: backend.callsWithin ?? false,
    })
    if (planned.length === 0) return { events: [] }
    return { events: await backend.publish(planned, tx) }
  }
}

function silent(): void {}
