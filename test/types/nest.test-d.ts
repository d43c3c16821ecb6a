/** Handlers in Nest providers: a method must accept the event that its decorator names. */
import { test } from 'vitest'
import type { EventOf, HandlerContext, TransactionalContext } from '../../src/index.ts'
import { EventBatchHandler, EventHandler } from '../../src/nest/index.ts'
import { NoteTaken } from '../support/notes.ts'

type Note = EventOf<typeof NoteTaken>

test('methods that take the event, with or without the context, compile', () => {
  class Fine {
    @EventHandler(NoteTaken, { name: 'notes.one' })
    one(_event: Note) {}

    @EventHandler(NoteTaken, { name: 'notes.none' })
    none() {}

    @EventHandler(NoteTaken, { name: 'notes.both', interested: ({ data }) => data.n > 0 })
    async both(_event: Note, _context: HandlerContext) {}

    @EventHandler('notes.*', { name: 'notes.within', transactional: true })
    within(_event: { readonly type: string }, { tx }: TransactionalContext) {
      return tx
    }

    @EventBatchHandler(NoteTaken, { name: 'notes.many', batchSize: 10 })
    many(events: readonly Note[]) {
      return events.length
    }
  }
  void Fine
})

test('methods and classes that take something else do not compile', () => {
  class Wrong {
    // @ts-expect-error -- the event has no such data
    @EventHandler(NoteTaken, { name: 'notes.other' })
    other(_event: { readonly data: { readonly total: number } }) {}

    // @ts-expect-error -- a batch handler gets a list
    @EventBatchHandler(NoteTaken, { name: 'notes.single' })
    single(_event: Note) {}

    // @ts-expect-error -- without `transactional` the context may have no transaction
    @EventHandler(NoteTaken, { name: 'notes.outside' })
    outside(_event: Note, _context: TransactionalContext) {}
  }
  void Wrong

  // @ts-expect-error -- the class has no method `handle`
  @EventHandler(NoteTaken, { name: 'notes.class' })
  class Without {}
  void Without
})
