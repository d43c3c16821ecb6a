/** Finds the handlers that the providers and controllers of an application declare. */
import type { DiscoveryService } from '@nestjs/core'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { declaredBy, type Method } from './declared-handlers.ts'

/**
 * Takes each provider once, even if it has several tokens.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_HANDLER` when a provider with handlers is made for each request.
 */
export function providedHandlers(discovery: DiscoveryService): readonly AnyHandler[] {
  const instances = new Set<object>()
  for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
    const prototype: unknown = wrapper.metatype?.prototype
    const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient
    if (!isStatic && isObject(prototype) && declaredBy(Object.create(prototype) as object).length > 0)
      throw perRequest(String(wrapper.name))
    if (isStatic && isObject(wrapper.instance)) instances.add(wrapper.instance)
  }
  return [...instances].flatMap(handlersOf)
}

function handlersOf(instance: object): readonly AnyHandler[] {
  return declaredBy(instance).map(({ property, define }) =>
    // The method is looked up at each call, because a test may have replaced it by a spy.
    define((event, context) => (Reflect.get(instance, property) as Method).call(instance, event, context)),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function perRequest(name: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_HANDLER',
    `${name} has event handlers, and Nest makes a new one for each request or place, so there is no one instance to call. Give it the ` +
      'default scope, and take what belongs to a request from the event or its metadata.',
  )
}
