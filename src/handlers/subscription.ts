/** What a handler listens to, in the one form against which the registry matches events. */
import { types } from 'node:util'
import { PostbusError } from '../errors.ts'
import { isEventType } from '../events/event.ts'
import { NAME } from '../names.ts'
import { isShadow, kindsIn } from './shadow.ts'

/** Either one version of one event type, or every event type whose name matches a pattern, in every version. */
export type Subscription =
  | { readonly is: 'event-type'; readonly type: string; readonly version: number }
  | { readonly is: 'pattern'; readonly pattern: RegExp; readonly text: string }

/** Reads a handler's `on`. A text pattern is an event type name in which `*` stands for any characters. */
export function subscriptionsOf(handler: string, on: unknown): readonly Subscription[] {
  const kinds = kindsIn(on)
  if (kinds.length === 0) throw refuse(handler, 'an empty list')
  return Object.freeze(kinds.map((kind) => subscriptionOf(handler, kind)))
}

/** Whether an event of this type and version is for the subscription. */
export function subscribes(subscription: Subscription, type: string, version: number): boolean {
  if (subscription.is === 'pattern') return subscription.pattern.test(type)
  return subscription.type === type && subscription.version === version
}

function subscriptionOf(handler: string, kind: unknown): Subscription {
  if (typeof kind === 'string') return { is: 'pattern', pattern: globPattern(handler, kind), text: kind }
  if (types.isRegExp(kind)) return { is: 'pattern', pattern: withoutState(kind), text: String(kind) }
  if (isEventType(kind)) return { is: 'event-type', type: kind.type, version: kind.version }
  if (isShadow(kind)) throw refuse(handler, 'a list or shadow with shadow(…) in it, which goes around all of it')
  throw refuse(handler, kind === undefined ? 'undefined (an import cycle?)' : `of type ${typeof kind}`)
}

function globPattern(handler: string, glob: string): RegExp {
  if (!NAME.test(glob.replaceAll('*', 'x'))) throw refuse(handler, JSON.stringify(glob))
  const source = glob.split('*').map((part) => part.replace(/[.-]/g, String.raw`\$&`))
  return new RegExp(`^${source.join('.*')}$`)
}

/** With a `g` or `y` flag, `test` would remember where it stopped, and skip every second event. */
function withoutState(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
}

function refuse(handler: string, got: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_HANDLER',
    `Handler "${handler}": \`on\` is ${got}: expected an event type, a pattern such as 'orders.*' or /^orders\\./, or a list of them.`,
  )
}
