/** Listeners that write signals to a log: as JSON lines, to a logger such as pino, or to a console. For `createBus({ onSignal })`. */
import { inspect } from 'node:util'
import { isError } from './realm.ts'
import { RANKS, type BusSignal, type BusSignalLevel, type BusSignalListener } from './signals.ts'

/** A logger whose methods take an object with values first, then a sentence: pino and many others. */
export interface ObjectLogger {
  debug(values: object, message: string): void
  info(values: object, message: string): void
  warn(values: object, message: string): void
  error(values: object, message: string): void
}

/** A logger whose methods take a sentence first, then an object with values, as a console does. */
export interface ConsoleLogger {
  debug(message: string, values: object): void
  info(message: string, values: object): void
  warn(message: string, values: object): void
  error(message: string, values: object): void
}

/**
 * Writes each signal of `level` and above to stderr, as a JSON object on one line: `time`, `level`, `signal`, `message`, and the signal's fields
 * beside them. If a field has one of these four names, an underscore is appended to it.
 *
 * @example createBus({ connectionString, handlers, onSignal: jsonLog() })
 */
export function jsonLog(level: BusSignalLevel = 'info'): BusSignalListener {
  return atLeast(level, (signal) => void process.stderr.write(`${jsonLine(signal)}\n`))
}

/**
 * Passes each signal to a logger that takes values first, then a sentence, as pino does. The logger's own level decides what is written.
 *
 * @example createBus({ connectionString, handlers, onSignal: pinoLog(pino()) })
 */
export function pinoLog(logger: ObjectLogger): BusSignalListener {
  return (signal) => logger[signal.level](valuesOf(signal), signal.message)
}

/**
 * Passes each signal of `level` and above to a console: a sentence first, then the values.
 *
 * @example createBus({ connectionString, handlers, onSignal: consoleLog('warn') })
 */
export function consoleLog(level: BusSignalLevel = 'info', target: ConsoleLogger = console): BusSignalListener {
  return atLeast(level, (signal) => target[signal.level](signal.message, valuesOf(signal)))
}

function atLeast(level: BusSignalLevel, write: BusSignalListener): BusSignalListener {
  return (signal) => {
    if (RANKS[signal.level] >= RANKS[level]) write(signal)
  }
}

/** The names that the bus itself writes on a line. A handler's field may have the same name. */
const OWN = ['time', 'level', 'signal', 'message']

function valuesOf({ name, fields }: BusSignal): object {
  const own = Object.entries(fields).map(
    ([field, value]) => [OWN.includes(field) ? `${field}_` : field, value] as const,
  )
  return { signal: name, ...Object.fromEntries(own) }
}

function jsonLine(signal: BusSignal): string {
  const { level, message } = signal
  const line = { time: new Date().toISOString(), level, signal: signal.name, message }
  try {
    return JSON.stringify({ ...line, ...valuesOf(signal) }, asText)
  } catch {
    return JSON.stringify({ ...line, fields: inspect(signal.fields, { breakLength: Infinity }) }) // a circular reference, or a getter that throws
  }
}

/** Replaces values that JSON cannot express: a bigint, an error. */
function asText(_field: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return isError(value) ? { name: value.name, message: value.message, stack: value.stack } : value
}
