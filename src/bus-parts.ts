/**
 * The inside of a bus, for the testing kit alone: it runs a bus's deliveries as a worker would, but when a test says so,
 * on the connection a test chooses. Nothing an application does needs this.
 */
import type { Postgres } from './backends/postgres/postgres.ts'
import type { Codec } from './codec.ts'
import type { Envelope } from './envelope.ts'
import type { LazyRegistry } from './lazy-registry.ts'
import type { PublishOptions, PublishResult } from './publish.ts'
import type { Emit } from './signals.ts'

export interface BusParts {
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly emit: Emit
  readonly postgres: Postgres
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
}

/** Shared by every copy of this package in a process: a test may import another copy than the application does. */
const PARTS = Symbol.for('postbus.bus-parts')

/** Puts the parts where {@link partsOf} finds them, out of sight. */
export function withParts<Bus extends object>(bus: Bus, parts: BusParts): Bus {
  return Object.defineProperty(bus, PARTS, { value: parts })
}

/** The parts of a bus, or undefined for anything else. */
export function partsOf(bus: unknown): BusParts | undefined {
  if (typeof bus !== 'object' || bus === null) return undefined
  // Only withParts writes this property; only the compiler cannot know.
  return Reflect.get(bus, PARTS) as BusParts | undefined
}
