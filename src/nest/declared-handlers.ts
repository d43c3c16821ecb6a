/** Records which methods of a class are handlers, as its decorators say. */
import type { AnyHandler } from '../handlers/handler.ts'

export type Method = (event: never, context: never) => unknown

export interface DeclaredHandler {
  readonly property: string | symbol
  /** Makes the handler that calls this method. */
  define(method: Method): AnyHandler
}

/** The list is stored on the class itself, under a shared symbol, so that another copy of this package finds it too. */
const DECLARED = Symbol.for('postbus.nest.handlers')

export function declare(prototype: object, declared: DeclaredHandler): void {
  Object.defineProperty(prototype, DECLARED, { value: [...ownOf(prototype), declared], configurable: true })
}

/** The handlers of the instance's class and of the classes that it extends. If a subclass overrides the method, the override is called. */
export function declaredBy(instance: object): readonly DeclaredHandler[] {
  const found: DeclaredHandler[] = []
  for (let prototype = prototypeOf(instance); prototype !== null; prototype = prototypeOf(prototype))
    found.unshift(...ownOf(prototype))
  return found
}

function ownOf(prototype: object): readonly DeclaredHandler[] {
  const own = Object.getOwnPropertyDescriptor(prototype, DECLARED)?.value as readonly DeclaredHandler[] | undefined
  return own ?? []
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null
}
