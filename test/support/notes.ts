/** For tests of a worker in this process: an event, handlers that do what the test says, and a note of what ran. */
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  type AnyHandler,
  type Bus,
  type HandlerContext,
  type HandlerOptions,
} from '../../src/index.ts'
import type { TestBus } from './bus.ts'
import { EVERY_DELIVERY } from './every-delivery.ts'

export const NoteTaken = defineEvent('notes.note-taken', {
  schema: z.object({ n: z.number(), key: z.string().nullable().default(null), text: z.string().optional() }),
  partitionKey: (data) => data.key,
})

export type Doing = (n: number, context: HandlerContext) => unknown

export function handlerThat(does: Doing, options: HandlerOptions & { readonly name?: string } = {}): AnyHandler {
  const { name = 'notes.take', ...rest } = options
  return defineHandler(name, {
    on: NoteTaken,
    backoff: { initialMs: 10, factor: 1, jitter: 0 },
    ...rest,
    handle: (event, context) => does(event.data.n, context),
  })
}

/** Another bus on the same database, as another process would have. */
export function anotherBus({ connectionString }: Pick<TestBus, 'connectionString'>, handlers: AnyHandler[]): Bus {
  return createBus({ connectionString, handlers, onSignal: () => undefined })
}

/** A promise that the test resolves. */
export function aSignal<Value = void>() {
  return Promise.withResolvers<Value>()
}

export interface StoredDelivery {
  readonly id: string
  readonly state: string
  /** Attempts used so far, as the next claim will count them. */
  readonly used: number
  readonly waitMs: number
}

export async function storedNotes({ database }: Pick<TestBus, 'database'>): Promise<readonly StoredDelivery[]> {
  const { rows } = await database.query<StoredDelivery>(
    `select id, state,
      retry_count - (retry_limit - 1000000) + (started_on is not null)::integer as used,
      case when isfinite(start_after) then extract(epoch from start_after - now())::float8 * 1000 end as "waitMs"
    from ${EVERY_DELIVERY} job order by id`,
  )
  return rows
}
