/** `postbus events`: shows what was published, and what became of it. Importing, erasing and deleting are in other files. */
import type { Bus } from '../bus.ts'
import type { EventQuery, EventState } from '../record/event-query.ts'
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  UsageError,
  text,
  type Command,
  type ExitCode,
  type Invocation,
} from './command.ts'
import { actOnEvents, DESCRIBE_EVENT_ACT, EVENT_ACT_EXAMPLES, EVENT_ACT_OPTIONS, EVENT_ACTS } from './event-acts.ts'
import { eventCount, printEvents, printStatus, printTree, sizeOf } from './event-views.ts'
import { exportEvents, exportFilterOf, importEvents, refuseFilter } from './events-transfer.ts'
import { refuseListOptions, tailEvents } from './events-tail.ts'
import { busFor } from './load-config.ts'
import { printJson, say } from './output.ts'
import { DESCRIBE_PAGE, PAGE_OPTIONS, pageOptionsOf, sayMore } from './paging.ts'
import { timeOf } from './times.ts'

const ACTIONS = ['list', 'show', 'tree', 'tail', 'export', 'import'] as const
const STATES = ['unfinished', 'retrying', 'dead'] as const satisfies readonly EventState[]

/** Whether a word follows the action: an id, or a file. */
const TAKES = { list: false, show: true, tree: true, tail: false, export: false, import: true } as const
const EXPECTED =
  'expected: postbus events list | tail | export, postbus events show ID | tree ID, or postbus events import FILE'

export const events: Command = {
  summary:
    'List stored events, show what became of one, or what it caused; follow, erase, delete, export or import them.',
  takesWords: true,
  examples: [
    ['postbus events list --type "orders.*"', 'the newest events of these types'],
    ['postbus events list --key order-4711 --oldest-first', 'all that happened to one key, in order'],
    ['postbus events list --state dead --since 2026-05-01 --json', 'events with an open dead letter, for a program'],
    ['postbus events show 018f3a5c-…', 'one event, and its state at each handler, with errors'],
    ['postbus events tree 018f3a5c-…', 'what caused it, and what it caused'],
    ['postbus events tail --type "orders.*"', 'events as they are committed, until Ctrl-C'],
    [
      'postbus events export --since 2026-05-01 > events.ndjson',
      'one JSON object per line, in the order of publishing',
    ],
    ['postbus events import events.ndjson', 'stores them with their ids; no handler gets them. - is stdin'],
    ...EVENT_ACT_EXAMPLES,
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    type: { type: 'string' },
    key: { type: 'string' },
    correlation: { type: 'string' },
    cause: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    handler: { type: 'string' },
    state: { type: 'string' },
    text: { type: 'string' },
    'oldest-first': { type: 'boolean' },
    ...PAGE_OPTIONS,
    ...EVENT_ACT_OPTIONS,
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    type: 'Only this event type; * stands for any characters. tail, export: several, with commas between.',
    key: 'Only events of this partition key. tail, export: several, with commas between.',
    correlation: 'list, redact, delete: only events of this correlation id.',
    cause: 'list: only what the event of this id has caused.',
    since: 'Published at this time or later, such as 2026-05-01 or 2026-05-01T12:30:00Z.',
    until: 'Published before this time.',
    handler: 'list: only events that this handler has received.',
    state: `list: only events of which a delivery is ${STATES.join(', ')}.`,
    text: 'list: only events whose data contains this text.',
    'oldest-first': 'list: in the order of publishing.',
    ...DESCRIBE_PAGE,
    ...DESCRIBE_EVENT_ACT,
  },

  async run(invocation) {
    const [action, id, ...more] = invocation.words
    const act = EVENT_ACTS.find((name) => name === action)
    if (act) return actOnEvents(act, invocation)
    const known = ACTIONS.find((name) => name === action)
    if (!known) {
      throw new UsageError(`events ${action ?? ''}: expected one of ${[...ACTIONS, ...EVENT_ACTS].join(', ')}.`)
    }
    if (more.length > 0 || TAKES[known] !== (id !== undefined)) throw new UsageError(EXPECTED)
    const query = known === 'export' || known === 'import' ? {} : queryOf(invocation)
    const filter = known === 'export' ? exportFilterOf(invocation) : {}
    if (known === 'import') refuseFilter(invocation)
    if (known === 'tail') refuseListOptions(invocation)

    const bus = await busFor(invocation)
    try {
      if (known === 'tail') return await tailEvents(bus, invocation)
      if (known === 'export') return await exportEvents(bus, invocation, filter)
      if (id === undefined) return await list(bus, invocation, query)
      if (known === 'import') return await importEvents(id, bus, invocation)
      return known === 'show' ? await show(bus, invocation, id) : await tree(bus, invocation, id)
    } finally {
      await bus.close()
    }
  },
}

async function list(bus: Bus, invocation: Invocation, query: EventQuery): Promise<ExitCode> {
  const { options, terminal } = invocation
  const { events: found, cursor } = await bus.events.list(query)
  if (options['json']) printJson(terminal, found)
  else {
    printEvents(terminal, found)
    say(terminal, `${eventCount(found.length)}.`)
  }
  sayMore(invocation, cursor)
  return 0
}

async function show(bus: Bus, { options, terminal }: Invocation, id: string): Promise<ExitCode> {
  const status = await bus.events.status(id)
  if (!status) return notStored(terminal, id)
  if (options['json']) printJson(terminal, [status])
  else printStatus(terminal, status)
  return 0
}

async function tree(bus: Bus, { options, terminal }: Invocation, id: string): Promise<ExitCode> {
  const found = await bus.events.tree(id)
  if (!found) return notStored(terminal, id)
  if (options['json']) printJson(terminal, [found])
  else {
    printTree(terminal, found)
    say(terminal, `${eventCount(found.causes.length + sizeOf(found))}.`)
  }
  return 0
}

function notStored(terminal: Invocation['terminal'], id: string): ExitCode {
  say(
    terminal,
    `No event ${id} is stored: it was never published, its transaction has not committed, or its retention is over.`,
  )
  return 1
}

function queryOf(invocation: Invocation): EventQuery {
  const given = (name: string, field: keyof EventQuery) => {
    const value = text(invocation, name)
    return value === undefined ? {} : { [field]: value }
  }
  const [since, until] = [timeOf(invocation, 'since'), timeOf(invocation, 'until')]
  const state = text(invocation, 'state')
  if (state !== undefined && !STATES.some((one) => one === state))
    throw new UsageError(`--state ${state}: expected one of ${STATES.join(', ')}.`)
  return {
    ...given('type', 'type'),
    ...given('key', 'partitionKey'),
    ...given('correlation', 'correlationId'),
    ...given('cause', 'causationId'),
    ...given('handler', 'handler'),
    ...given('state', 'state'),
    ...given('text', 'text'),
    ...(since && { since }),
    ...(until && { until }),
    ...(invocation.options['oldest-first'] === true && { first: 'oldest' as const }),
    ...pageOptionsOf(invocation),
  }
}
