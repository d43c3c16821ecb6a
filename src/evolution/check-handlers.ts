/** Compares the handlers of this code with a snapshot, to find handlers whose waiting deliveries would be left behind. */
import type { AnyHandler } from '../handlers/handler.ts'
import { isReadable } from '../handlers/reading.ts'
import type { Registry } from '../handlers/registry.ts'
import { partitionedQueue, storedName } from '../names.ts'
import { breaks, fits, type TypesFinding } from './finding.ts'
import type { HandlerSnapshot, TypesSnapshot } from './snapshot.ts'

export function checkHandlers(before: TypesSnapshot, registry: Registry): readonly TypesFinding[] {
  const known = new Set(before.handlers.flatMap((one) => [one.name, ...one.previousNames]))
  const fresh = registry.handlers.filter((one) => ![one.name, ...one.previousNames].some((name) => known.has(name)))
  return [
    ...before.handlers.flatMap((one) => ofHandler(one, before, registry)),
    ...fresh.map(({ name }) => fits(`handler ${name}`, 'is new')),
  ]
}

function ofHandler(before: HandlerSnapshot, snapshot: TypesSnapshot, registry: Registry): readonly TypesFinding[] {
  const wasStored = storedName(before.name, before.previousNames)
  const handler = registry.handlerNamed(wasStored)
  if (!handler) {
    const mend =
      `If it was renamed, give the new one previousNames: ['${before.name}']. If it goes, see that nothing waits for it ` +
      '(npx postbus doctor --deploy), and take a new snapshot'
    return [breaks(`handler ${before.name}`, 'is gone: what waits for it would be left behind', mend)]
  }
  return [
    ...ofName(before, wasStored, handler),
    ...ofQueue(before, handler, registry),
    ...ofSubscriptions(before, snapshot, { handler, registry }),
  ]
}

function ofName(before: HandlerSnapshot, wasStored: string, handler: AnyHandler): readonly TypesFinding[] {
  const about = `handler ${handler.name}`
  const isStored = storedName(handler.name, handler.previousNames)
  if (wasStored !== isStored) {
    const what = `was stored as "${wasStored}", and is stored as "${isStored}" now: older workers would not know it, and keys lose their order`
    return [breaks(about, what, `Put '${wasStored}' first in its previousNames`)]
  }
  return before.name === handler.name ? [] : [fits(about, `was named "${before.name}"`)]
}

function ofQueue(before: HandlerSnapshot, { name, options }: AnyHandler, registry: Registry): readonly TypesFinding[] {
  if (before.queue === options.queue) return []
  const about = `handler ${name}`
  if (registry.queues.includes(before.queue))
    return [fits(about, `moved from queue ${before.queue} to ${options.queue}`)]
  const what = `moved to queue ${options.queue}, and no handler uses ${before.queue} any more: what waits in it and in ${partitionedQueue(before.queue)} would be left behind`
  const mend = `See that nothing waits there (npx postbus doctor --deploy), and take a new snapshot`
  return [breaks(about, what, mend)]
}

interface Present {
  readonly handler: AnyHandler
  readonly registry: Registry
}

/** A handler must still be able to read every version that it could read before, by a definition or by upcasts. */
function ofSubscriptions(
  before: HandlerSnapshot,
  snapshot: TypesSnapshot,
  { handler, registry }: Present,
): readonly TypesFinding[] {
  const about = `handler ${handler.name}`
  return before.on.flatMap((one) => {
    if ('pattern' in one) {
      const isKept = handler.subscriptions.some((now) => now.is === 'pattern' && now.text === one.pattern)
      return isKept ? [] : [fits(about, `no longer listens to the pattern ${one.pattern}`)]
    }
    const type = snapshot.eventTypes.find(({ name, version }) => name === one.type && version === one.version)
    const versions = [one.version, ...(type?.upcasts ?? [])]
    const lost = versions.filter((version) => !isReadable(registry.readingOf(handler, { type: one.type, version })))
    if (lost.length === 0) return []
    const what = `can no longer read ${one.type} version ${lost.join(', ')}: what waits for it would be left behind`
    const mend =
      'Go on listening to it, or give the event type upcasts. If nothing waits (npx postbus doctor --deploy), take a new snapshot'
    return [breaks(about, what, mend)]
  })
}
