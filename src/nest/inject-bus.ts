/** The bus, as other providers are given it. */
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
