/** Translates the event types that a filter names into the names under which they are stored. */
import { patternSource, type CheckedLogFilter } from '../../../deliveries/log-filter.ts'
import type { Registry } from '../../../handlers/registry.ts'

/** A pattern means every event type that has or had a matching name. Names that this process does not know stay as they are. */
export function storedTypes({ names, eventTypes }: Registry, types: readonly string[]): readonly string[] {
  const patterns = types.map((type) => new RegExp(patternSource(type)))
  const renamed = eventTypes
    .map(({ type }) => names.eventTypes.all(type))
    .filter((all) => all.some((name) => patterns.some((pattern) => pattern.test(name))))
  return [...new Set([...types, ...renamed.flat()])]
}

/** The same filter with stored names. */
export function byStoredTypes<Filter extends CheckedLogFilter>(registry: Registry, filter: Filter): Filter {
  return filter.types === undefined ? filter : { ...filter, types: [...storedTypes(registry, filter.types)] }
}
