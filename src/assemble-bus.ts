/** Assembles a bus from its options: its parts, and the backend that its events go to. */
import type { DatabaseConnections } from './backends/postgres/connections/database-connections.ts'
import { storedForm } from './backends/decoded-copy.ts'
import { createInMemory } from './backends/in-memory.ts'
import { createPostgres, type Postgres } from './backends/postgres/postgres.ts'
import { BroadcastListeners } from './broadcast/broadcast-listeners.ts'
import type { Codec } from './codec/codec.ts'
import type { DeliveryStore } from './deliveries/delivery-store.ts'
import type { Envelope } from './events/envelope.ts'
import type { LazyRegistry } from './handlers/lazy-registry.ts'
import { hooksOf } from './middleware/hooks.ts'
import type { Settings } from './options.ts'
import type { BusParts } from './publishing/backend-override.ts'
import { eventDefaults } from './publishing/event-defaults.ts'
import { FilteredCounts } from './publishing/filtered-counts.ts'
import { publisher } from './publishing/publisher.ts'
import type { Schedule } from './schedules/schedule.ts'
import { emitAs, emitTo, printSignals } from './signals.ts'
import type { RunTransaction } from './transactions/register.ts'

/** What a bus is made from, by `createBus` or by another bus. */
export interface Origin {
  readonly settings: Settings
  readonly name: string
  /** Shared by all buses of an application, as is `registry`. */
  readonly codec: Codec
  readonly registry: LazyRegistry
  /** The bus that this one is made from; `null` for the bus that `createBus` makes. */
  readonly parent: BusParts | null
  /** The connections of that bus, for another schema of the same database. */
  readonly connections?: DatabaseConnections | undefined
}

interface Assembled {
  /**
   * Handlers and schedules publish through the bus's own `publish`, so that a test that spies on it sees their events
   * too.
   */
  readonly publishAsSeen: BusParts['publish']
  readonly schedules: readonly Schedule[]
}

export function assemble(origin: Origin, { publishAsSeen, schedules }: Assembled) {
  const { settings, name, parent, codec, registry, connections } = origin
  const { backend: kind, source = null, schema, transaction: begin } = settings
  const about = Object.freeze({ source, name, schema })
  const given = emitTo(settings.onSignal ?? printSignals(), about)
  const emit = parent ? emitAs(about, given) : given
  const transaction = begin && ((work: Parameters<RunTransaction>[0]) => begin(work, about))
  const mailbox: Envelope[] = []
  const middleware = hooksOf(settings.middleware, about)
  const listeners = new BroadcastListeners({ registry, codec, emit })
  const tell: BusParts['tell'] = (planned) => listeners.hear(storedForm(planned))
  const publish = publisher(() => parts)
  const known = { registry, codec, emit, middleware, publish: publishAsSeen, transaction }
  const place =
    kind === 'postgres'
      ? inPostgres(createPostgres(settings, { ...known, listeners, schedules }, connections))
      : createInMemory(kind, mailbox, { ...known, tell })
  const { backend } = place
  const parts: BusParts = {
    kind,
    parent,
    registry,
    codec,
    emit,
    source,
    defaults: eventDefaults(settings),
    ambient: settings,
    middleware,
    tell,
    transaction,
    filtered: new FilteredCounts(),
    backend,
    mailbox,
    publish: publishAsSeen,
  }
  return { parts, place, publish, listeners }
}

function inPostgres(postgres: Postgres) {
  return { ...postgres, store: (): DeliveryStore => postgres.backend.store }
}
