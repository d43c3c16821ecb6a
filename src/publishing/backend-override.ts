/**
 * The one place where tests replace a bus's backend. Code that publishes does not notice: `publish` asks here first, and
 * outside of tests it only finds an undefined property.
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

/** The parts of a bus. */
export interface BusParts {
  /** Its `backend` option. `none`: a substitute that knows no handlers, for testing a single handler. */
  readonly kind: 'postgres' | 'inline' | 'mailbox' | 'strict' | 'none'
  /** The bus from which it was made, by `forSchema` or `forDatabase`. */
  readonly parent: BusParts | null
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly emit: Emit
  readonly source: string | null
  /** The defaults of the bus for fields that an event leaves out, except the source. */
  readonly defaults: EventDefaults
  readonly ambient: AmbientTransaction
  readonly middleware: Hooks
  /** Runs work in a transaction of the application; `undefined`: the option `transaction` is not set. */
  readonly transaction: RunTransaction | undefined
  /** Counts the deliveries that filters have prevented so far. */
  readonly filtered: FilteredCounts
  /** The bus's own backend. */
  readonly backend: Backend
  /** Passes an event to the broadcast listeners of this process. */
  tell(event: PlannedEvent): void
  /** The events that a bus with the mailbox backend remembers. */
  readonly mailbox: readonly Envelope[]
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
}

export interface BackendOverride {
  /**
   * Returns the backend for one publish, or undefined for the bus's own. It is called synchronously by the publisher, so
   * that the stack and the async context are the publisher's; stacks are cut at the frame of `publish`. It must not throw.
   */
  backendFor(bus: BusParts, publish: Cut): Backend | undefined
}

/** The Postbus function that the caller called. */
export type Cut = (...parameters: never[]) => unknown

/** On globalThis, and shared by every copy of this package: test runners may load the library twice. */
const SLOT = Symbol.for('postbus.backend-override')
const PARTS = Symbol.for('postbus.bus-parts')
const place = globalThis as typeof globalThis & { [SLOT]?: BackendOverride | undefined }

/** Sets the override, or removes it with `undefined`. */
export function overrideBackends(override: BackendOverride | undefined): void {
  place[SLOT] = override
}

/** The backend that a publish goes to. */
export function backendFor(bus: BusParts, publish: Cut): Backend {
  return place[SLOT]?.backendFor(bus, publish) ?? bus.backend
}

/** Stores the parts of a bus in a hidden property of the bus. */
export function withParts<Bus extends object>(bus: Bus, parts: BusParts): Bus {
  return Object.defineProperty(bus, PARTS, { value: parts })
}

/** Returns the parts of a bus, or undefined for anything that is not a bus. */
export function partsOf(bus: object): BusParts | undefined {
  // Only withParts writes this property. The compiler cannot know that.
  return Reflect.get(bus, PARTS) as BusParts | undefined
}
