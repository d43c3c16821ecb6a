/** Injects the bus into other providers. */
import { Inject } from '@nestjs/common'

/** The token of the bus: for `inject` of a factory, `app.get` and `overrideProvider`. */
export const POSTBUS = Symbol.for('postbus.bus')

/**
 * Injects the bus.
 *
 * @example
 * constructor(@InjectBus() private readonly bus: Bus) {}
 */
export function InjectBus(): PropertyDecorator & ParameterDecorator {
  return Inject(POSTBUS)
}
