/** A bus without a database: one of the in-memory backends, and refusals for everything that only a database can do. */
import type { Backend } from '../publishing/backend.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import type { Acts } from '../deliveries/act-log.ts'
import type { DeadLetters } from '../deliveries/dead-letters.ts'
import type { Deliveries } from '../deliveries/completions.ts'
import type { EventTransfer } from '../deliveries/exported-events.ts'
import type { Log } from '../deliveries/log-cursors.ts'
import type { Lanes } from '../deliveries/lanes.ts'
import type { Replays } from '../deliveries/replays.ts'
import type { Pauses } from '../deliveries/pauses.ts'
import type { EventActs } from '../record/event-acts.ts'
import type { EventRecord } from '../record/events.ts'
import type { DoctorFinding, MigrateReport, PruneReport } from '../deliveries/operations.ts'
import { createInlineBackend } from './inline.ts'
import { createMailboxBackend } from './mailbox.ts'
import { RememberedIds } from './remembered-ids.ts'

type Kind = 'inline' | 'mailbox' | 'strict'
type InMemoryParts = Pick<BusParts, 'registry' | 'codec' | 'emit' | 'middleware' | 'publish' | 'tell' | 'transaction'>

export function createInMemory(kind: Kind, mailbox: Envelope[], bus: InMemoryParts) {
  const refuse = (what: string): never => {
    throw noDatabase(kind, what)
  }
  return {
    backend: closable(backendOf(kind, mailbox, bus)),
    store: (): DeliveryStore => refuse('worker()'),
    deadLetters: withoutDeadLetters(refuse),
    lanes: withoutLanes(refuse),
    replays: withoutReplays(refuse),
    acts: Object.freeze({ list: async () => refuse('acts.list()') }) satisfies Acts,
    pauses: withoutPauses(refuse),
    rates: async () => refuse('rates()'),
    backlog: async () => refuse('backlog()'),
    workers: async () => refuse('workers()'),
    publishableTypes: async () => refuse('publishableTypes()'),
    ping: async () => refuse('worker()'),
    lend: () => undefined,
    cancel: async () => refuse('cancel()'),
    deliveries: withoutDeliveries(refuse),
    /** Ticks are published by hand only, and no schedule is stored. */
    schedules: { store: null, stored: async () => [], note: async () => undefined },
    log: withoutLog(refuse),
    events: { ...withoutRecord(refuse), ...withoutTransfer(refuse) },
    migrate: async (): Promise<MigrateReport> => refuse('migrate()'),
    doctor: async (): Promise<readonly DoctorFinding[]> => refuse('doctor()'),
    prune: async (): Promise<PruneReport> => refuse('prune()'),
  }
}

function backendOf(
  kind: Kind,
  mailbox: Envelope[],
  { registry, codec, emit, middleware, publish, tell, transaction }: InMemoryParts,
): Backend {
  const ids = new RememberedIds()
  if (kind === 'inline')
    return createInlineBackend({ registry, codec, ids, emit, middleware, publish, tell, transaction })
  if (kind === 'strict') return createMailboxBackend({ codec, ids, keep: refuseOutsideTests })
  return createMailboxBackend({ codec, ids, keep: (event) => mailbox.push(event) })
}

/** In a test, a backend of the testing kit takes the place of this one. */
function refuseOutsideTests({ type }: Envelope): never {
  const mend = "Add setupFiles: ['postbus/vitest'], or run the test in withTestBus() of postbus/testing"
  throw new PostbusError(
    'POSTBUS_NOT_IN_TEST',
    `${type}: a bus with \`backend: 'strict'\` publishes in tests only, where each event has to be asserted. ${mend}.`,
  )
}

function withoutDeadLetters(refuse: (what: string) => never): DeadLetters {
  return Object.freeze({
    list: async () => refuse('deadLetters.list()'),
    count: async () => refuse('deadLetters.count()'),
    retry: async () => refuse('deadLetters.retry()'),
    dismiss: async () => refuse('deadLetters.dismiss()'),
  })
}

function withoutRecord(refuse: (what: string) => never): EventRecord & EventActs {
  return Object.freeze({
    get: async () => refuse('events.get()'),
    list: async () => refuse('events.list()'),
    count: async () => refuse('events.count()'),
    countByType: async () => refuse('events.countByType()'),
    tail: () => refuse('events.tail()'),
    tree: async () => refuse('events.tree()'),
    status: async () => refuse('events.status()'),
    whenFinished: async () => refuse('events.whenFinished()'),
    redact: async () => refuse('events.redact()'),
    delete: async () => refuse('events.delete()'),
  })
}

function withoutLanes(refuse: (what: string) => never): Lanes {
  return Object.freeze({
    list: async () => refuse('lanes.list()'),
    show: async () => refuse('lanes.show()'),
    retry: async () => refuse('lanes.retry()'),
    retryAll: async () => refuse('lanes.retryAll()'),
    skipHead: async () => refuse('lanes.skipHead()'),
    rewind: async () => refuse('lanes.rewind()'),
    repair: async () => refuse('lanes.repair()'),
    pause: async () => refuse('lanes.pause()'),
    resume: async () => refuse('lanes.resume()'),
  })
}

function withoutDeliveries(refuse: (what: string) => never): Deliveries {
  return Object.freeze({
    complete: async () => refuse('deliveries.complete()'),
    skip: async () => refuse('deliveries.skip()'),
    fail: async () => refuse('deliveries.fail()'),
  })
}

function withoutPauses(refuse: (what: string) => never): Pauses {
  return Object.freeze({
    pause: async () => refuse('pause()'),
    resume: async () => refuse('resume()'),
    pauses: async () => refuse('pauses()'),
  })
}

function withoutLog(refuse: (what: string) => never): Log {
  return Object.freeze({
    list: async () => refuse('log.list()'),
    rewind: async () => refuse('log.rewind()'),
    skipTo: async () => refuse('log.skipTo()'),
    forget: async () => refuse('log.forget()'),
  })
}

function withoutReplays(refuse: (what: string) => never) {
  return Object.freeze({
    begin: async () => refuse('replay()'),
    replays: Object.freeze({
      list: async () => refuse('replays.list()'),
      get: async () => refuse('replays.get()'),
      resume: async () => refuse('replays.resume()'),
      pause: async () => refuse('replays.pause()'),
      cancel: async () => refuse('replays.cancel()'),
    } satisfies Replays),
    stop: () => undefined,
  })
}

function withoutTransfer(refuse: (what: string) => never): EventTransfer {
  return Object.freeze({
    export: () => refuse('events.export()'),
    import: async () => refuse('events.import()'),
  })
}

/** A closed bus does not publish, except in a transaction of the caller, whose connection is still open. */
function closable(backend: Backend): Backend {
  let closed = false
  return {
    ...backend,
    async publish(events, tx) {
      if (!closed || tx !== undefined) return backend.publish(events, tx)
      throw wasClosed('Publish')
    },
    async broadcast(events, tx) {
      if (!closed || tx !== undefined) return backend.broadcast(events, tx)
      throw wasClosed('Broadcast')
    },
    async hear() {
      if (!closed) return backend.hear()
      throw wasClosed('Listen')
    },
    async close() {
      closed = true
    },
  }
}

function wasClosed(what: string): PostbusError {
  return new PostbusError('POSTBUS_CLOSED', `This bus was closed. ${what} before bus.close(), or create another bus.`)
}

function noDatabase(kind: Kind, what: string): PostbusError {
  return new PostbusError(
    'POSTBUS_NO_DATABASE',
    `This bus keeps everything in memory (\`backend: '${kind}'\`), so it has no ${what}: there are no stored deliveries. ` +
      "Create the bus with `backend: 'postgres'` and a `connectionString`.",
  )
}
