/** What an assertion may say about an event's data: as much of it as matters, as the compiler sees it. */
import type { EventOf } from '../events/event.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'

/** A matcher of the test runner, such as `expect.any(String)`. Known by its method, so that every runner's fits. */
export interface AsymmetricMatcher {
  asymmetricMatch(other: unknown): boolean
}

type Whole = string | number | bigint | boolean | null | undefined | Date | RegExp | URL | Error | ArrayBufferView

/** A branded id is written as the text it is: what has a brand is a primitive and an object at once, as nothing else is. */
type Unbranded<Value> = Value extends object
  ? Value extends string
    ? string
    : Value extends number
      ? number
      : Value extends bigint
        ? bigint
        : Value extends boolean
          ? boolean
          : Value extends Date
            ? Date
            : Value
  : Value

/** In Maps and Sets, which are matched as a whole, and in the keys of records. */
type Inside<Value> = Value extends Whole
  ? Unbranded<Value>
  : Value extends ReadonlyMap<infer Key, infer Inner>
    ? ReadonlyMap<Inside<Key>, Inside<Inner>>
    : Value extends ReadonlySet<infer Element>
      ? ReadonlySet<Inside<Element>>
      : Value extends (...parameters: never[]) => unknown
        ? Value
        : { readonly [Key in keyof Value as UnbrandedKey<Key>]: Inside<Value[Key]> }

/** Of a record by branded ids. */
type UnbrandedKey<Key extends PropertyKey> = Key extends object ? string : Key

/** A part of data: as many of an object's properties as matter, each in part; arrays whole, each of their items in part. */
export type PartOf<Data> =
  | AsymmetricMatcher
  | (Data extends Whole
      ? Unbranded<Data>
      : Data extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
        ? Inside<Data>
        : Data extends readonly unknown[]
          ? { readonly [Index in keyof Data]: PartOf<Data[Index]> }
          : { readonly [Key in keyof Data as UnbrandedKey<Key>]?: PartOf<Data[Key]> })

/** A part of the event's data, or a function that looks at the whole event. */
export type EventMatch<Kind extends AnyEventType> = PartOf<EventOf<Kind>['data']> | ((event: EventOf<Kind>) => boolean)
