/** `publish`: takes events, checks and plans them, and passes them to the backend. */
import { backendFor, type BusParts } from './backend-override.ts'
import { type DeliveryModes, ModesChanged, type PlannedEvent } from './backend.ts'
import { checkEnvelope } from './checks.ts'
import { dueOf } from './due.ts'
import type { Envelope } from '../events/envelope.ts'
import { aroundPublish } from '../middleware/around-publish.ts'
import { publishHooks } from '../middleware/channels.ts'
import type { Publishing } from '../middleware/middleware.ts'
import { planEvents } from './plan.ts'
import type { PublishedEvent, PublishOptions, PublishResult } from '../events/publish-result.ts'
import { traced } from './trace.ts'
import { transactionFor } from './transaction-for.ts'

/** A bus and its `publish` need each other, so `partsOfBus` is called for each publish. */
export function publisher(partsOfBus: () => BusParts): BusParts['publish'] {
  return async function publish(
    events: Envelope | readonly Envelope[],
    options: PublishOptions = {},
  ): Promise<PublishResult> {
    const bus = partsOfBus()
    const backend = backendFor(bus, publish) // before the first await: tests need the publisher's stack and context
    const trace = traced(bus.source) // also before it: this reads the frames around the caller
    const tx = transactionFor(options, bus.ambient, { call: publish, named: 'publish()' })
    const due = dueOf(options)
    const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
    // No await if the handlers are already loaded: then the statement is sent in the caller's own turn.
    const registry = bus.registry.loaded() ?? (await bus.registry.load())
    const { codec, defaults, filtered, middleware } = bus
    const emit = backend.callsNobody ? silent : bus.emit
    const complete = (event: Envelope) => trace(defaults(event))

    const store = async (publishing: Publishing, finish: typeof complete): Promise<PublishResult> => {
      const plan = (modes: DeliveryModes | undefined): readonly PlannedEvent[] =>
        planEvents(publishing.events, {
          registry,
          codec,
          emit,
          trace: finish,
          filtered,
          modes,
          due,
          callsWithin: backend.callsWithin ?? false,
        })
      const planned = plan(backend.modes)
      if (planned.length === 0) return { events: [] }
      return { events: await byModes(planned, { plan, store: (given) => backend.publish(given, publishing.tx) }) }
    }
    const hooks = publishHooks(middleware)
    if (hooks.length === 0 || list.length === 0) return store({ events: list, tx }, complete)
    const publishing = Object.freeze({ events: Object.freeze(list.map((event) => complete(checked(event)))), tx })
    return aroundPublish(hooks, publishing, (changed) => store(changed, asItIs))
  }
}

interface ByModes {
  plan(modes: DeliveryModes): readonly PlannedEvent[]
  store(events: readonly PlannedEvent[]): Promise<readonly PublishedEvent[]>
}

/** During a change, one handler changes its mode at most three times. Several handlers may change at once. */
const MOST_CHANGES = 10

/** Stores events. If a delivery mode has changed meanwhile, nothing was written, and they are planned and stored again. */
async function byModes(planned: readonly PlannedEvent[], { plan, store }: ByModes): Promise<readonly PublishedEvent[]> {
  for (let changes = 0; ; changes += 1) {
    try {
      return await store(planned)
    } catch (error) {
      if (!(error instanceof ModesChanged) || changes === MOST_CHANGES) throw error
      planned = plan(error.modes)
    }
  }
}

/** Checks an event before hooks see it. */
function checked(event: Envelope): Envelope {
  checkEnvelope(event)
  return event
}

function asItIs(event: Envelope): Envelope {
  return event
}

function silent(): void {}
