/** The registry, built when first needed: handlers may be imported lazily, which breaks the cycle bus → handlers → domain → bus. */
import { createRegistry, type Handlers, type HandlerSet, type Registry } from './registry.ts'

export interface LazyRegistry {
  /** The registry, if it is there already. Handlers that are not given by a function always are. */
  loaded(): Registry | null
  /** Imports the handlers if that has not happened yet. A failed import is tried again at the next call. */
  load(): Promise<Registry>
}

export function loadRegistry(handlers: Handlers): LazyRegistry {
  let registry = typeof handlers === 'function' ? null : createRegistry(handlers)
  let loading: Promise<Registry> | null = null

  async function importHandlers(source: () => HandlerSet | Promise<HandlerSet>): Promise<Registry> {
    try {
      registry = createRegistry(await source())
      return registry
    } finally {
      loading = null
    }
  }

  return {
    loaded: () => registry,
    async load() {
      if (registry) return registry
      if (typeof handlers !== 'function') return createRegistry(handlers)
      loading ??= importHandlers(handlers)
      return loading
    },
  }
}
