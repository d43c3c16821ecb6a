/** The types of what an assertion may say about an event's data: only the part that matters has to be given. */
import type { EventOf } from '../events/event.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'

/** A matcher of the test runner, such as `expect.any(String)`. Recognised by its method, so that the matchers of every runner fit. */
export interface AsymmetricMatcher {
  asymmetricMatch(other: unknown): boolean
}

type Whole = string | number | bigint | boolean | null | undefined | Date | RegExp | URL | Error | ArrayBufferView

/** Lets a test write a branded id as plain text. Only a branded type is a primitive and an object at once. */
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

/** The type of a value inside a Map or Set, which is matched as a whole: branded ids become plain, also as keys of records. */
type Inside<Value> = Value extends Whole
  ? Unbranded<Value>
  : Value extends ReadonlyMap<infer Key, infer Inner>
    ? ReadonlyMap<Inside<Key>, Inside<Inner>>
    : Value extends ReadonlySet<infer Element>
      ? ReadonlySet<Inside<Element>>
      : Value extends (...parameters: never[]) => unknown
        ? Value
        : { readonly [Key in keyof Value as UnbrandedKey<Key>]: Inside<Value[Key]> }

/** The key of a record, as plain text if it is a branded id. */
type UnbrandedKey<Key extends PropertyKey> = Key extends object ? string : Key

/** A part of the data. An object needs only the properties that matter, an array all its items; each of these may again be a part. */
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
