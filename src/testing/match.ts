/** What an assertion may say about an event's data: as much of it as matters, as the compiler sees it. */
import type { EventOf } from '../events/event.ts'
import type { AnyEventType } from '../handlers/handler.ts'

/** A matcher of the test runner, such as `expect.any(String)`. Known by its method, so that every runner's fits. */
export interface AsymmetricMatcher {
  asymmetricMatch(other: unknown): boolean
}

type Whole =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | URL
  | Error
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView

/** A part of data: as many of an object's properties as matter, each in part; arrays whole, each of their items in part. */
export type PartOf<Data> =
  | AsymmetricMatcher
  | (Data extends Whole
      ? Data
      : Data extends readonly unknown[]
        ? { readonly [Index in keyof Data]: PartOf<Data[Index]> }
        : { readonly [Key in keyof Data]?: PartOf<Data[Key]> })

/** A part of the event's data, or a function that looks at the whole event. */
export type EventMatch<Kind extends AnyEventType> = PartOf<EventOf<Kind>['data']> | ((event: EventOf<Kind>) => boolean)
