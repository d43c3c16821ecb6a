/**
 * The one place where tests put another backend in front of a bus's own. Code that publishes knows nothing of it: `publish`
 * asks here first, and without tests there is nothing but one property that is undefined.
 */
import type { Backend, PlannedEvent } from './backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'
import type { LazyRegistry } from '../handlers/lazy-registry.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { Hooks } from '../middleware/hooks.ts'
import type { Emit } from '../signals.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { EventDefaults } from './event-defaults.ts'
import type { FilteredCounts } from './filtered-counts.ts'
import type { AmbientTransaction } from './transaction-for.ts'

/** What a bus is made of. */
export interface BusParts {
  /** Its `backend` option. `none`: a stand-in that knows no handlers, for a handler that is tested alone. */
  readonly kind: 'postgres' | 'inline' | 'mailbox' | 'strict' | 'none'
  /** The bus that it was made from, by `forSchema` or `forDatabase`. */
  readonly parent: BusParts | null
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly emit: Emit
  readonly source: string | null
  /** What the bus says about events that do not say it themselves, beside the source. */
  readonly defaults: EventDefaults
  readonly ambient: AmbientTransaction
  readonly middleware: Hooks
  /** Runs work in a transaction of the application; `undefined`: it has not said how. */
  readonly transaction: RunTransaction | undefined
  /** What filters have kept away so far. */
  readonly filtered: FilteredCounts
  /** The bus's own backend. */
  readonly backend: Backend
  /** Tells those who listen to broadcasts in this process. */
  tell(event: PlannedEvent): void
  /** What a bus with the mailbox backend remembers. */
  readonly mailbox: readonly Envelope[]
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
}

export interface BackendOverride {
  /**
   * The backend for one publish, or undefined for the bus's own. Called in the publisher's own turn, so that the stack and
   * the async context are the publisher's; `publish` is the frame at which a stack is to be cut. Must not throw.
   */
  backendFor(bus: BusParts, publish: Cut): Backend | undefined
}

/** The function of ours that was called. */
export type Cut = (...parameters: never[]) => unknown

/** On globalThis, and shared by every copy of this package: test runners may load the library twice. */
const SLOT = Symbol.for('postbus.backend-override')
const PARTS = Symbol.for('postbus.bus-parts')
const place = globalThis as typeof globalThis & { [SLOT]?: BackendOverride | undefined }

/** Puts an override in place of what was there, or takes it away with `undefined`. */
export function overrideBackends(override: BackendOverride | undefined): void {
  place[SLOT] = override
}

/** The backend that a publish goes to. */
export function backendFor(bus: BusParts, publish: Cut): Backend {
  return place[SLOT]?.backendFor(bus, publish) ?? bus.backend
}

/** Remembers what a bus is made of, on the bus itself and out of sight. */
export function withParts<Bus extends object>(bus: Bus, parts: BusParts): Bus {
  return Object.defineProperty(bus, PARTS, { value: parts })
}

/** What a bus is made of, or undefined for anything that is not a bus. */
export function partsOf(bus: object): BusParts | undefined {
  // Only withParts writes this property; only the compiler cannot know.
  return Reflect.get(bus, PARTS) as BusParts | undefined
}
