/** An event as the record has it. */
import type { Envelope } from '../events/envelope.ts'

/** The envelope that was published, and what the database adds. */
export interface RecordedEvent<
  Type extends string = string,
  Version extends number = number,
  Data = unknown,
> extends Envelope<Type, Version, Data> {
  /** When it was stored, by the database's clock. Its transaction may have committed later. */
  readonly publishedAt: Date
  /** Its place in the log: a whole number as text. Events of one key are handled in this order. */
  readonly seq: string
  /** The data could not be decoded, by a codec that is not known here, say: it is the stored text. */
  readonly isRaw: boolean
  /** SQL has published it, and the data is what SQL gave: workers check it by the schema for each attempt. */
  readonly isUnparsed?: true
}
