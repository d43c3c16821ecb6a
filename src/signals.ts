/**
 * What the bus tells the outside about itself. Everything noteworthy becomes one signal: a plain object with a stable
 * name, a level, a sentence and fields. By default signals from level `info` up are printed to stderr.
 */
import { channel, subscribe } from 'node:diagnostics_channel'
import { inspect, styleText, types } from 'node:util'

export type BusSignalLevel = 'debug' | 'info' | 'warn' | 'error'

/** Every signal's name. Names are stable; fields may be added. */
export type BusSignalName =
  | 'attempt.failed'
  | 'attempt.overdue'
  | 'backfill.done'
  | 'backfill.failed'
  | 'broadcast.lost'
  | 'broadcast.restored'
  | 'broadcast.unreadable'
  | 'circuit.closed'
  | 'circuit.open'
  | 'circuit.opened'
  | 'claim.lost'
  | 'consumer.lost'
  | 'consumer.restored'
  | 'database.reachable'
  | 'database.unreachable'
  | 'delivery.dead'
  | 'delivery.differs'
  | 'delivery.put-back'
  | 'delivery.recovered'
  | 'error-event.unpublished'
  | 'event.no-handlers'
  | 'event.pruned'
  | 'handler.log'
  | 'heartbeats.on-main-thread'
  | 'interested.failed'
  | 'listener.failed'
  | 'log.lost'
  | 'message.failed'
  | 'message.rejected'
  | 'on-dead.failed'
  | 'pruning.failed'
  | 'registry.kept'
  | 'schedule.failed'
  | 'schema.newer'
  | 'settle.refused'
  | 'settle.stored'
  | 'tenant.failed'
  | 'tenants.unknown'
  | 'wake-up.lost'
  | 'wake-up.restored'
  | 'wake-up.unavailable'
  | 'worker.error'
  | 'worker.stalled'
  | 'worker.started'
  | 'worker.stopped'
  | 'worker.stopping'

export interface BusSignal {
  readonly name: BusSignalName
  readonly level: BusSignalLevel
  /** One sentence for people. */
  readonly message: string
  /** Values for programs: ids, names, counts. Never payloads or secrets. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Which bus something is of, where several are in one process. Each bus has an object of its own. */
export interface BusName {
  /** Its `source` option. */
  readonly source: string | null
  /** Its name among the buses of one application: its schema; of another database that one's name, and of a schema there `shard-1/tenant_a`. */
  readonly name: string
  /** The schema that its events are stored in. */
  readonly schema: string
}

/** What subscribers of the channel `postbus:signal` are given. */
export interface SignalMessage {
  readonly bus: BusName
  readonly signal: BusSignal
}

/** A bus that does not say which one it is. */
export const UNNAMED: BusName = Object.freeze({ source: null, name: 'postbus', schema: 'postbus' })

export const SIGNAL_CHANNEL = 'postbus:signal'
const signalled = channel(SIGNAL_CHANNEL)

/** Receives signals. Must not throw and must not block: it is called from the middle of the work. */
export type BusSignalListener = (signal: BusSignal) => void

/** How code of ours emits a signal. */
export type Emit = (
  level: BusSignalLevel,
  name: BusSignalName,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void

/** What a handler logs with. Each call is a signal named `handler.log`. */
export interface HandlerLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Guards the bus against its listener: an error in a listener is printed, and the work goes on. */
export function emitTo(listener: BusSignalListener, bus: BusName = UNNAMED): Emit {
  return (level, name, message, fields = {}) => {
    const signal: BusSignal = Object.freeze({ name, level, message, fields })
    if (signalled.hasSubscribers) signalled.publish({ bus, signal } satisfies SignalMessage)
    try {
      const answer: unknown = listener(signal)
      if (types.isPromise(answer)) answer.catch(reportListener)
    } catch (error) {
      reportListener(error)
    }
  }
}

function reportListener(error: unknown): void {
  console.error('postbus: the signal listener threw', error)
}

/** Signals of one of several buses say which one. */
export function emitAs({ name: bus }: BusName, emit: Emit): Emit {
  return (level, name, message, fields) =>
    emit(level, name, name === 'handler.log' ? message : `${bus}: ${message}`, { bus, ...fields })
}

/** A handler's log: its signals carry `fields` (event, handler, attempt) beside what the handler adds. They are made with the first line. */
export function logWith(emit: Emit, make: () => Readonly<Record<string, unknown>>): HandlerLog {
  let fields: Readonly<Record<string, unknown>> | undefined
  const at =
    (level: BusSignalLevel) =>
    (message: string, more: Readonly<Record<string, unknown>> = {}) =>
      emit(level, 'handler.log', message, { ...(fields ??= make()), ...more })
  return Object.freeze({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') })
}

export const RANKS = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const
const COLORS = { debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const

/** Messages quote errors of other people's code: none of it may begin a line of its own or move the cursor. */
function onOneLine(message: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is being removed
  return message.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** The bus's own messages name what they are about; a handler's do not. */
function fieldsOf({ name, fields }: BusSignal): string {
  return name === 'handler.log' ? ` ${inspect(fields, { breakLength: Infinity, depth: 2 })}` : ''
}

/**
 * Returns a listener that prints signals of `level` and above to stderr, one line each.
 *
 * @example createBus({ connectionString, handlers, onSignal: printSignals('warn') })
 */
export function printSignals(level: BusSignalLevel | 'silent' = 'info'): BusSignalListener {
  const print = prettyLog(level)
  return (signal) => (place[WRITTEN] ? undefined : print(signal))
}

/** On globalThis: the command line may have loaded another copy of this package than the application has. */
const WRITTEN = Symbol.for('postbus.signals-are-written')
const place = globalThis as typeof globalThis & { [WRITTEN]?: true }

/** From now on the signals of every bus of this process are written so, and `printSignals` prints none. For the command line. */
export function writeSignals(write: BusSignalListener): void {
  place[WRITTEN] = true
  subscribe(SIGNAL_CHANNEL, (message) => write((message as SignalMessage).signal)) // what the channel carries
}

/** Signals for people, a line each. */
export function prettyLog(level: BusSignalLevel | 'silent' = 'info'): BusSignalListener {
  return (signal) => {
    if (RANKS[signal.level] < RANKS[level]) return
    const mark = styleText(COLORS[signal.level], signal.level.padEnd(5), { stream: process.stderr })
    process.stderr.write(`${new Date().toISOString()} ${mark} ${onOneLine(signal.message + fieldsOf(signal))}\n`)
  }
}
