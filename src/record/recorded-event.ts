/** An event as it is recorded in the database. */
import type { Envelope } from '../events/envelope.ts'

/** The published envelope, with fields that the database adds. */
export interface RecordedEvent<
  Type extends string = string,
  Version extends number = number,
  Data = unknown,
> extends Envelope<Type, Version, Data> {
  /** When it was stored, by the database's clock. Its transaction may have committed later. */
  readonly publishedAt: Date
  /** Its place in the log: a whole number as text. Events of one key are handled in this order. */
  readonly seq: string
  /** `true`: the data could not be decoded, for example because its codec is not known here, so `data` is the stored text. */
  readonly isRaw: boolean
  /** `true`: SQL has published it, and the data is as SQL gave it. Workers check it against the schema for each attempt. */
  readonly isUnparsed?: true
}
