/**
 * The registry, built when it is first needed: handlers and event types may be imported lazily, which breaks the import
 * cycle bus → handlers → domain → bus.
 */
import type { EventTypes } from './event-types.ts'
import { createRegistry, type Handlers, type Registry } from './registry.ts'

export interface LazyRegistry {
  /** The registry, if it is already built. It always is, unless handlers or event types are given by a function. */
  loaded(): Registry | null
  /** Imports what has not been imported yet. A failed import is tried again at the next call. */
  load(): Promise<Registry>
}

export function lazyRegistry(handlers: Handlers, events: EventTypes = []): LazyRegistry {
  let registry =
    typeof handlers === 'function' || typeof events === 'function' ? null : createRegistry(handlers, events)
  let loading: Promise<Registry> | null = null

  async function importAll(): Promise<Registry> {
    try {
      const [handlerSet, eventSet] = await Promise.all([given(handlers), given(events)])
      registry = createRegistry(handlerSet, eventSet)
      return registry
    } finally {
      loading = null
    }
  }

  return {
    loaded: () => registry,
    async load() {
      if (registry) return registry
      loading ??= importAll()
      return loading
    },
  }
}

async function given<Set extends object>(source: Set | (() => Set | Promise<Set>)): Promise<Set> {
  return typeof source === 'function' ? source() : source
}
