/** Runs a publish inside the hooks of the bus. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import { checkMetadata } from '../events/event-checks.ts'
import type { PublishResult } from '../events/publish-result.ts'
import { isPlainObject } from '../realm.ts'
import type { PublishHook } from './hooks.ts'
import type { PublishChanges, Publishing } from './middleware.ts'
import { passed } from './once.ts'

/**
 * Resolves with the result of `store`. What the hooks return is ignored.
 *
 * @throws {PostbusError} `POSTBUS_NEXT_NOT_CALLED`, `POSTBUS_NEXT_CALLED_AGAIN`; what hooks and `store` throw.
 */
export function aroundPublish(
  hooks: readonly PublishHook[],
  publishing: Publishing,
  store: (publishing: Publishing) => Promise<PublishResult>,
): Promise<PublishResult> {
  return from(0, publishing)

  async function from(place: number, current: Publishing): Promise<PublishResult> {
    const hook = hooks[place]
    if (!hook) return store(current)
    const { inside } = await passed<PublishChanges | undefined, PublishResult>({
      of: hook.of,
      hook: (next) => hook.run(current, (changes) => next(changes)),
      inside: async (changes) => from(place + 1, changed(current, changes, hook.of)),
    })
    if (inside) return inside
    throw notCalled(hook.of)
  }
}

function changed(publishing: Publishing, changes: PublishChanges | undefined, of: string): Publishing {
  if (changes === undefined) return publishing
  checkChanges(changes, publishing, of)
  const { metadata, tx = publishing.tx } = changes
  const events =
    metadata === undefined ? publishing.events : publishing.events.map((event) => withMetadata(event, metadata))
  return Object.freeze({ events: Object.freeze(events), tx })
}

function withMetadata(event: Envelope, metadata: NonNullable<PublishChanges['metadata']>): Envelope {
  const more = typeof metadata === 'function' ? metadata(event) : metadata
  if (!isPlainObject(more)) checkMetadata(event.type, more) // throws an error that says what is wrong
  return Object.freeze({ ...event, metadata: checkMetadata(event.type, { ...event.metadata, ...more }) })
}

const FIELDS = ['metadata', 'tx']

function checkChanges(changes: unknown, { tx }: Publishing, of: string): void {
  if (!isPlainObject(changes)) throw invalid(of, 'expected an object, such as { metadata }.')
  const stranger = Object.keys(changes).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined)
    throw invalid(of, `"${stranger}" is none of ${FIELDS.join(', ')}, which is all that a hook can change.`)
  if (!('tx' in changes)) return
  if (changes['tx'] === undefined) throw invalid(of, '`tx` is undefined. Leave it out, or give the open transaction.')
  if (tx !== undefined && changes['tx'] !== tx)
    throw invalid(of, 'the publish belongs to a transaction already, and cannot be moved to another one.')
}

function invalid(of: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `Middleware ${of}, next(): ${problem} Nothing was published.`)
}

function notCalled(of: string): PostbusError {
  return new PostbusError(
    'POSTBUS_NEXT_NOT_CALLED',
    `Middleware ${of} has not called next(), so nothing was published. A hook that refuses a publish throws an error that says why.`,
  )
}
