/**
 * The signals by which the bus reports on itself. Each noteworthy thing is one signal: a plain object with a stable
 * name, a level, a sentence and fields. By default, signals of level `info` and above are printed to stderr.
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
  | 'engine.failed'
  | 'engine.missing'
  | 'engine.restored'
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

/** Identifies a bus, when a process has several. Each bus has one such object of its own. */
export interface BusName {
  /** Its `source` option. */
  readonly source: string | null
  /**
   * Its name among the buses of one application: its schema. On another database it is that database's name, and for a schema there
   * `shard-1/tenant_a`.
   */
  readonly name: string
  /** The schema in which its events are stored. */
  readonly schema: string
}

/** The message that subscribers of the channel `postbus:signal` receive. */
export interface SignalMessage {
  readonly bus: BusName
  readonly signal: BusSignal
}

/** The default for code that passes no bus name. */
export const UNNAMED: BusName = Object.freeze({ source: null, name: 'postbus', schema: 'postbus' })

export const SIGNAL_CHANNEL = 'postbus:signal'
const signalled = channel(SIGNAL_CHANNEL)

/** Receives signals. It must not throw and must not block, because it is called in the middle of the work. */
export type BusSignalListener = (signal: BusSignal) => void

/** The function by which Postbus emits a signal. */
export type Emit = (
  level: BusSignalLevel,
  name: BusSignalName,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void

/** The log of a handler. Each call emits a signal named `handler.log`. */
export interface HandlerLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Protects the bus from its listener: an error in the listener is printed, and the work goes on. */
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

/** Adds the name of the bus to each signal, for an application with several buses. */
export function emitAs({ name: bus }: BusName, emit: Emit): Emit {
  return (level, name, message, fields) =>
    emit(level, name, name === 'handler.log' ? message : `${bus}: ${message}`, { bus, ...fields })
}

/**
 * A handler's log. Its signals carry the fields that `make` returns (event, handler, attempt), and the fields that the handler adds. `make`
 * is called for the first line.
 */
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

/** Messages quote errors from foreign code. Their text must not begin a new line or move the cursor. */
function onOneLine(message: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is being removed
  return message.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** Only a handler's messages get their fields printed: the bus's own messages already name what they are about. */
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

/** On globalThis, because the command line and the application may have loaded different copies of this package. */
const WRITTEN = Symbol.for('postbus.signals-are-written')
const place = globalThis as typeof globalThis & { [WRITTEN]?: true }

/**
 * From now on, `write` receives the signals of every bus in this process, and `printSignals` prints none. For the command line.
 */
export function writeSignals(write: BusSignalListener): void {
  place[WRITTEN] = true
  subscribe(SIGNAL_CHANNEL, (message) => write((message as SignalMessage).signal)) // the channel carries nothing else
}

/** Prints signals for people, one line each. */
export function prettyLog(level: BusSignalLevel | 'silent' = 'info'): BusSignalListener {
  return (signal) => {
    if (RANKS[signal.level] < RANKS[level]) return
    const mark = styleText(COLORS[signal.level], signal.level.padEnd(5), { stream: process.stderr })
    process.stderr.write(`${new Date().toISOString()} ${mark} ${onOneLine(signal.message + fieldsOf(signal))}\n`)
  }
}
