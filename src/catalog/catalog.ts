/** Lists an application's event types and the handlers that listen to each, from its code alone, without a database. */
import type { Bus } from '../bus.ts'
import type { ListeningHandler } from '../deliveries/explain.ts'
import { byText } from '../evolution/json-schema.ts'
import { FINISHER_PREFIX } from '../handlers/finishers.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'

export interface Catalog {
  /** Each version of each event type, by name and version. */
  readonly entries: readonly CatalogEntry[]
}

export interface CatalogEntry {
  readonly type: AnyEventType
  /** The module that publishes it: the first part of its name. */
  readonly module: string
  readonly handlers: readonly CatalogHandler[]
}

export interface CatalogHandler extends ListeningHandler {
  readonly module: string
}

/** Event types that only patterns match are listed if the bus was given them: `createBus({ events })`. */
export async function catalogOf(bus: Pick<Bus, 'eventTypes' | 'handlersOf'>): Promise<Catalog> {
  const types = (await bus.eventTypes()).toSorted(byNameAndVersion)
  const entries = types.map(async (type) => {
    // Finishers are left out: they publish the event that follows another one, and belong to no module.
    const handlers = (await bus.handlersOf(type)).filter(({ handler }) => !handler.startsWith(FINISHER_PREFIX))
    return {
      type,
      module: moduleOf(type.type),
      handlers: handlers.map((one) => ({ ...one, module: moduleOf(one.handler) })),
    }
  })
  return { entries: await Promise.all(entries) }
}

/** `orders` for `orders.order-created`. */
export function moduleOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf('.'))) || name
}

function byNameAndVersion(one: AnyEventType, other: AnyEventType): number {
  return byText(one.type, other.type) || one.version - other.version
}
