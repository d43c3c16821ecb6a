/** `postbus explain`: says which handlers would receive an event with this data, and why the others would not. Publishes nothing. */
import { readFileSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import type { Bus } from '../bus.ts'
import type { ExplainedHandler } from '../deliveries/explain.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import { runsInPublish } from '../handlers/transactional.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import {
  CONFIG_OPTION,
  DESCRIBE_CONFIG,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  text,
  type Command,
  type Invocation,
} from './command.ts'
import { loadBus } from './load-config.ts'
import { nearest } from './nearest.ts'
import { count, oneLine, printJson, printTable, say } from './output.ts'

const HEADS = ['HANDLER', 'INTERESTED', 'QUEUE', 'KEY', 'ATTEMPTS', 'LISTENS TO']

const BECAUSE = {
  filtered: 'no: its filter says so',
  failed: 'its filter failed',
  'other-version': 'no: listens to another version',
} as const

export const explain: Command = {
  summary: 'Say who would receive an event, and why the others would not. Publishes nothing.',
  takesWords: true,
  examples: [
    ['postbus explain orders.order-created --data order.json', 'each handler that listens to it, interested or not'],
    ['postbus explain orders.order-created --data - --json < order.json', 'the same for a program, from stdin'],
    ['postbus explain orders.order-created --data order.json --version 1', 'an older version of the event type'],
  ],
  options: { ...CONFIG_OPTION, ...JSON_OPTION, data: { type: 'string' }, version: { type: 'string' } },
  describe: {
    config: DESCRIBE_CONFIG,
    json: DESCRIBE_JSON,
    data: 'A file with the event’s data as JSON; - is stdin. Times are text: 2026-01-31T12:00:00Z. Exit code 3 if a filter fails.',
    version: 'The version of the event type. Default: the newest.',
  },

  async run(invocation) {
    const [type, ...more] = invocation.words
    if (type === undefined || more.length > 0)
      throw new UsageError('explain: expected one event type. See: postbus explain --help')
    const version = versionIn(invocation)
    const data = parsed(await read(invocation))
    const bus = await loadBus(text(invocation, 'config'))
    try {
      const event = made(await eventTypeOf(bus, type, version), data)
      const explained = await bus.explain(event)
      print(invocation, event, explained)
      return explained.some(({ reason }) => reason === 'failed') ? 3 : 0
    } finally {
      await bus.close()
    }
  },
}

async function read(invocation: Invocation): Promise<string> {
  const file = text(invocation, 'data')
  if (file === undefined) throw new UsageError('explain: say what the data is: --data FILE, or --data - for stdin.')
  if (file === '-') return textOf(invocation.terminal.in)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--data ${file}: ${safeTextOfError(error)}`)
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new UsageError(`--data: expected JSON, such as {"orderId":"o-1"}. ${safeTextOfError(error)}`)
  }
}

function versionIn(invocation: Invocation): number | undefined {
  const given = text(invocation, 'version')
  if (given === undefined) return undefined
  if (/^[1-9]\d{0,9}$/.test(given)) return Number(given)
  throw new UsageError(`--version ${given}: expected a whole number from 1.`)
}

async function eventTypeOf(bus: Bus, type: string, version: number | undefined): Promise<AnyEventType> {
  const known = await bus.eventTypes()
  const versions = known
    .filter((one) => [one.type, ...one.previousNames].includes(type))
    .toSorted((one, other) => other.version - one.version)
  const found = version === undefined ? versions[0] : versions.find((one) => one.version === version)
  if (found) return found
  if (versions.length > 0) {
    throw new UsageError(
      `${type} has no version ${version}. There are: ${versions.map((one) => one.version).join(', ')}.`,
    )
  }
  const names = known.map((one) => one.type)
  const mend = 'Types that only patterns hear are known when `events` of createBus() lists them.'
  throw new UsageError(`The bus knows no event type "${type}".${nearest(type, names)} ${mend}`)
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** JSON has no dates. If the event type refuses the data as it is, text that looks like a date-time is tried as a date. */
function made(eventType: AnyEventType, data: unknown): Envelope {
  const make = eventType as unknown as (data: unknown) => Envelope // the schema checks what the compiler does not know
  try {
    return make(data)
  } catch (error) {
    if (!(error instanceof PostbusError)) throw error
    try {
      return make(withDates(data))
    } catch {
      throw error
    }
  }
}

function withDates(value: unknown): unknown {
  if (typeof value === 'string') return DATE_TIME.test(value) ? new Date(value) : value
  if (Array.isArray(value)) return value.map(withDates)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withDates(inner)]))
}

function print({ options, terminal }: Invocation, event: Envelope, explained: readonly ExplainedHandler[]): void {
  if (options['json']) return printJson(terminal, explained.map(forProgram))
  if (explained.length > 0) printTable(terminal.out, HEADS, explained.map(rowOf))
  for (const { handler, error } of explained) if (error) say(terminal, `${handler}: ${messageWithCause(error)}`)
  const interested = explained.filter((one) => one.interested).length
  say(terminal, `${event.type} version ${event.version}: ${count(interested, 'handler')} would receive it.`)
}

function rowOf({ handler, reason, queue, lane, options, listensTo }: ExplainedHandler): readonly string[] {
  const interested = reason === null ? 'yes' : BECAUSE[reason]
  const key = oneLine(lane?.partitionKey ?? '', 24)
  const [where, attempts] = runsInPublish({ options }) ? ['inside publish', 1] : [queue, options.maxAttempts]
  return [handler, interested, where, key, String(attempts), oneLine(listensTo.join(', '), 60)]
}

function forProgram({ error, ...rest }: ExplainedHandler) {
  return { ...rest, error: error && { code: error.code, message: messageWithCause(error) } }
}

function messageWithCause({ message, cause }: PostbusError): string {
  return cause === undefined ? message : `${message} ← ${oneLine(safeTextOfError(cause), 500)}`
}
