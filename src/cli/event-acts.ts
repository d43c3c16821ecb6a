/** `postbus events redact | delete | cancel`: erases the data of events, deletes events, and cancels events that are not due yet. */
import type { Bus } from '../bus.ts'
import type { EventSelection } from '../record/event-acts.ts'
import { ACT_OPTIONS, DESCRIBE_ACT, actOptionsOf } from './acting.ts'
import { UsageError, text, type ExitCode, type Invocation } from './command.ts'
import { confirmed } from './confirm.ts'
import { busFor } from './load-config.ts'
import { count, printJson, say } from './output.ts'
import { timeOf } from './times.ts'

export const EVENT_ACTS = ['redact', 'delete', 'cancel'] as const

export const EVENT_ACT_EXAMPLES = [
  ['postbus events redact --key customer-17 --preview', 'how many events of a key would lose their data'],
  ['postbus events redact --key customer-17 --yes --by ada --reason "asked to be forgotten"', 'erases it'],
  ['postbus events redact 0198c0de-…', 'erases the data of one event'],
  ['postbus events delete --type "imports.*" --until 2026-01-01 --by ada', 'deletes events that nothing waits for'],
  ['postbus events cancel 0198c0de-… --by ada', 'takes back an event that is published for later'],
] as const

export const EVENT_ACT_OPTIONS = {
  all: { type: 'boolean' },
  pending: { type: 'string' },
  preview: { type: 'boolean' },
  ...ACT_OPTIONS,
  yes: { type: 'boolean', short: 'y' },
} as const

export const DESCRIBE_EVENT_ACT = {
  all: 'delete: every event that nothing waits for.',
  pending: 'redact: what becomes of a delivery that still waits: dead-letter (the default), or deliver.',
  preview: 'redact, delete: only say how many events would be touched.',
  ...DESCRIBE_ACT,
  yes: 'Do not ask.',
}

/** Options of lists that acts do not have. If one were ignored, the act would touch more than was meant. */
const NOT_FOR_ACTS = ['cause', 'handler', 'state', 'text', 'limit', 'cursor', 'oldest-first'] as const

const NOT_FOR_CANCEL = ['all', 'pending', 'preview', 'type', 'key', 'correlation', 'since', 'until'] as const

export async function actOnEvents(action: (typeof EVENT_ACTS)[number], invocation: Invocation): Promise<ExitCode> {
  const [, id, ...more] = invocation.words
  const foreign = NOT_FOR_ACTS.find((option) => invocation.options[option] !== undefined)
  if (foreign) throw new UsageError(`events ${action}: --${foreign} is for: postbus events list`)
  if (more.length > 0 || (id !== undefined && action === 'delete'))
    throw new UsageError(`events ${action}: takes no "${more[0] ?? id}".`)
  if (action === 'cancel') return withBus(invocation, (bus) => cancel(bus, invocation, id))
  const which = selectionOf(invocation)
  if (id !== undefined && Object.keys(which).length > 0)
    throw new UsageError('events redact: name one event, or choose by --type, --key and the like; not both.')

  return withBus(invocation, (bus) =>
    action === 'redact' ? redact(bus, invocation, id ?? which) : remove(bus, invocation, which),
  )
}

async function withBus(invocation: Invocation, work: (bus: Bus) => Promise<ExitCode>): Promise<ExitCode> {
  const bus = await busFor(invocation)
  try {
    return await work(bus)
  } finally {
    await bus.close()
  }
}

async function cancel(bus: Bus, invocation: Invocation, id: string | undefined): Promise<ExitCode> {
  const foreign = [...NOT_FOR_CANCEL].find((option) => invocation.options[option] !== undefined)
  if (id === undefined || foreign) throw new UsageError('events cancel: name one event, and nothing else to choose by.')
  const { isCancelled, count: deliveries } = await bus.cancel(id, actOptionsOf(invocation))
  if (invocation.options['json']) printJson(invocation.terminal, [{ action: 'cancel', isCancelled, count: deliveries }])
  const what = isCancelled ? `is cancelled: ${count(deliveries, 'delivery', 'deliveries')}` : 'was due: it is too late'
  say(invocation.terminal, `Event ${id} ${what}.`)
  return isCancelled ? 0 : 1
}

function selectionOf(invocation: Invocation): EventSelection {
  const type = text(invocation, 'type')
  const partitionKey = text(invocation, 'key')
  const correlationId = text(invocation, 'correlation')
  const since = timeOf(invocation, 'since')
  const until = timeOf(invocation, 'until')
  return {
    ...(type !== undefined && { type }),
    ...(partitionKey !== undefined && { partitionKey }),
    ...(correlationId !== undefined && { correlationId }),
    ...(since && { since }),
    ...(until && { until }),
  }
}

async function redact(bus: Bus, invocation: Invocation, which: string | EventSelection): Promise<ExitCode> {
  const { options, terminal } = invocation
  const given = text(invocation, 'pending')
  const pending = (['dead-letter', 'deliver'] as const).find((known) => known === given)
  if (given !== undefined && !pending) throw new UsageError(`--pending ${given}: expected dead-letter or deliver.`)
  const { count: total } = await bus.events.redact(which, { preview: true })
  const isPreview = options['preview'] === true
  const what = `the data of ${count(total, 'event')}`
  if (!isPreview && total > 0 && !(await confirmed(invocation, `Erase ${what}? Nothing brings it back.`))) return 1

  const how = { ...actOptionsOf(invocation), ...(pending && { pending }) }
  const done = isPreview || total === 0 ? total : (await bus.events.redact(which, how)).count
  if (options['json']) printJson(terminal, [{ action: 'redact', ...(isPreview && { preview: true }), count: done }])
  say(terminal, isPreview ? `It would erase ${what}.` : `The data of ${count(done, 'event')} is erased.`)
  return 0
}

async function remove(bus: Bus, invocation: Invocation, selection: EventSelection): Promise<ExitCode> {
  const { options, terminal } = invocation
  const isAll = options['all'] === true
  if (isAll === Object.keys(selection).length > 0)
    throw new UsageError('events delete: say which: --type, --key, --correlation, --since, --until, or --all alone.')
  const which = isAll ? ({ all: true } as const) : selection
  const isPreview = options['preview'] === true
  const preview = await bus.events.delete(which, { preview: true })
  const question = `Delete ${count(preview.count, 'event')} with all that happened to them?`
  if (!isPreview && preview.count > 0 && !(await confirmed(invocation, question))) return 1

  const done = isPreview || preview.count === 0 ? preview : await bus.events.delete(which, actOptionsOf(invocation))
  if (options['json']) printJson(terminal, [{ action: 'delete', ...(isPreview && { preview: true }), ...done }])
  const kept =
    done.kept === 0
      ? ''
      : ` ${count(done.kept, 'event')} ${isPreview ? 'would stay' : 'stay'}: something waits for them.`
  say(terminal, `${count(done.count, 'event')} ${isPreview ? 'would be deleted' : 'deleted'}.${kept}`)
  return 0
}
