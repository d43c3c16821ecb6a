/** The order of keys in batches of two workers, with failures: checked like the order of single deliveries. */
import { expect, test } from 'vitest'
import { seeded } from '../faults/kills-under-load.ts'
import { tracing } from '../support/batch-trace.ts'
import { withHandlers, workingBeside } from '../support/batches.ts'
import { NoteTaken, storedNotes } from '../support/notes.ts'
import { outOfOrder, overtaken, type PublishedTurn } from '../support/order-checks.ts'
import { lost, needlessRepeats, overlaps } from '../support/trace-checks.ts'
import type { TraceEntry } from '../support/trace.ts'
import { until } from '../support/until.ts'

const EVENTS = 600
const KEYS = 12

test.for([3, 40])(
  'two workers with batches of %i keep the order of each key, though members fail',
  { timeout: 90_000 },
  async (batchSize, around) => {
    const seed = Date.now() % 1_000_000
    const random = seeded(seed)
    const trace: TraceEntry[] = []
    const crews = [1, 2].map((pid) => tracing(pid, trace, { batchSize }))
    const opened = await withHandlers(around, crews[0]!.handler)
    for (const { handler } of crews) {
      await workingBeside(around, opened, handler, { pollMs: 200, queues: { events_partitioned: 4 } })
    }

    const published: PublishedTurn[] = []
    const turns = new Map<string, number>()
    const events = Array.from({ length: EVENTS }, (_, n) => {
      const key = `key ${Math.floor(random() * random() * KEYS)}`
      const turn = (turns.get(key) ?? 0) + 1
      turns.set(key, turn)
      const event = NoteTaken({ n, key, text: random() < 0.08 ? 'fails first' : 'ok' })
      published.push({ eventId: event.id, key, turn })
      return event
    })
    for (let first = 0; first < EVENTS; first += 15) await opened.bus.publish(events.slice(first, first + 15))
    await until(
      'all are done',
      async () => (await storedNotes(opened)).every(({ state }) => state === 'completed'),
      60_000,
    )

    const expected = published.map(({ eventId }) => ({ handler: 'notes.store', eventId }))
    expect({
      seed,
      problems: [
        ...outOfOrder(published, trace),
        ...overtaken(published, trace),
        ...overlaps(trace),
        ...lost(expected, trace),
        ...needlessRepeats(trace),
      ],
    }).toEqual({ seed, problems: [] })
    expect(trace.filter(({ step }) => step === 'fail').length).toBeGreaterThan(10)
    expect(new Set(trace.map(({ pid }) => pid))).toEqual(new Set([1, 2]))
    expect(Math.max(...crews.flatMap(({ batches }) => batches.map((batch) => batch.length)))).toBeGreaterThan(1)
  },
)
