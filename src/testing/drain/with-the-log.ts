/** In a test, handlers that read the log get published events as deliveries, because no worker reads the log. */
import type { Codec } from '../../codec/codec.ts'
import type { DeliveryStore } from '../../deliveries/delivery-store.ts'
import { isLogHandler } from '../../handlers/log-delivery.ts'
import type { Registry } from '../../handlers/registry.ts'
import type { Emit } from '../../signals.ts'
import { HandlerSlots } from '../../worker/handler-slots.ts'
import { drainLog } from '../../worker/log/drain-log.ts'
import { LogHandling } from '../../worker/log/log-handling.ts'
import { typesOf } from '../../worker/log/log-worker-for.ts'

export interface LogParts {
  readonly registry: Registry
  readonly codec: Codec
  readonly emit: Emit
}

/** Before each claim, these handlers get the events published since the last claim. A new subscription begins with the whole log. */
export function withTheLog(store: DeliveryStore, parts: LogParts): DeliveryStore {
  const handlers = parts.registry.handlers.filter(isLogHandler)
  if (handlers.length === 0) return store
  let reading: Promise<number> | null = null

  async function read(): Promise<number> {
    const subscriptions = await store.log.prepare(handlers, { fromTheStart: true })
    const handlings = handlers.flatMap((handler, place) => {
      const subscription = subscriptions[place]
      return subscription
        ? [new LogHandling({ handler, subscription, slots: new HandlerSlots(new Map()), concurrency: 1 }, parts)]
        : []
    })
    return drainLog({ store: store.log, handlings, types: typesOf(parts.registry, handlers) })
  }

  return {
    ...store,
    async claim(queue, limit, bounds) {
      reading ??= read().finally(() => {
        reading = null
      })
      await reading
      return store.claim(queue, limit, bounds)
    },
  }
}
