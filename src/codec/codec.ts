/**
 * Turns an event's data into the text that is stored, and back, so that a handler gets data equal to the published data.
 *
 * The text is a superjson document, `{ json, meta }`: readable JSON, and notes on what JSON cannot express. Dates, bigints,
 * Maps, Sets, undefined, NaN, infinities, -0, RegExps, URLs, Errors (without their stack), typed arrays and any string
 * come back equal, and so do objects that occur in several places. A value that would not come back equal is refused, and the
 * error names its path.
 */

import { SuperJSON, type SuperJSONResult } from 'superjson'

import { Corrupt } from './corrupt.ts'
import type { CustomCodec, CustomEncoding } from './custom-codec.ts'
import { type Inspection, inspect } from './inspection.ts'
import { DEFAULT_MAX_BYTES, MAX_DOCUMENT_BYTES, isDangerousKey } from './limits.ts'
import { theData } from './place.ts'
import { grouped, refuse, tooLarge } from './refuse.ts'
import { referentialEqualities } from './shared-references.ts'
import { type StoredDocument, readDocument } from './stored-document.ts'
import { PostbusError } from '../errors.ts'
import { ownCopy } from '../events/own-copy.ts'

export type { CustomCodec } from './custom-codec.ts'

/** Synchronous and without side effects: safe in the middle of a transaction. */
export interface Codec {
  /** The error message begins with `what`. Throws `POSTBUS_UNSERIALIZABLE` with the path, or `POSTBUS_TOO_LARGE`. */
  encode(value: unknown, what: string): string
  /** Throws `POSTBUS_CORRUPT_PAYLOAD`, and no other error, for a text that neither `encode` nor `publish_event` would have written. */
  decode(text: string): unknown
  /** Like `decode`, and also tells whether the data must still pass its schema. */
  open(text: string): Opened
}

export interface Opened {
  readonly data: unknown
  /** True if SQL published the event: then `data` is JSON that the schema of its event type has not checked yet. */
  readonly isUnparsed: boolean
}

export interface CodecOptions {
  /** For values that Postbus does not know; asked in this order. */
  codecs?: readonly CustomCodec[]
  /** Limit of one stored text, in UTF-8 bytes. Default 1 MiB. Raise it with care: every handler's worker reads the whole text. */
  maxBytes?: number
}

export function createCodec({ codecs = [], maxBytes = DEFAULT_MAX_BYTES }: CodecOptions = {}): Codec {
  refuseOptions(codecs, maxBytes)
  const codecNames = new Set(codecs.map(({ name }) => name))
  const documents = superjsonDocuments(codecs)

  return {
    encode(value, what) {
      const inspection = inspect(value, { what, maxBytes, codecs })
      const text = inspection.plain ? `{"json":${JSON.stringify(value)}}` : written(value, what, inspection)
      const bytes = Buffer.byteLength(text)
      if (bytes > maxBytes) throw tooLarge(what, grouped(bytes), maxBytes)
      return text
    },

    decode: (text) => open(text).data,
    open,
  }

  function open(text: string): Opened {
    try {
      const document = readDocument(text, codecNames)
      return { data: documents.read(document), isUnparsed: document.unparsed === true }
    } catch (error) {
      throw corrupt(error)
    }
  }

  function written(value: unknown, what: string, inspection: Inspection): string {
    try {
      return documents.write(value, inspection)
    } catch (cause) {
      return refuse({ what, place: theData, because: 'cannot be written. See the cause of this error.', cause })
    }
  }
}

function superjsonDocuments(codecs: readonly CustomCodec[]) {
  const superjson = new SuperJSON()
  let customs: ReadonlyMap<unknown, CustomEncoding> = new Map()
  for (const codec of codecs) registerCustom(codec)

  return { write, read }

  function write(value: unknown, inspection: Inspection): string {
    customs = inspection.customs
    const { json, meta } = superjson.serialize(inspection.foreign ? domestic(value, inspection) : value)
    customs = new Map()
    const shared = referentialEqualities(inspection.shared)
    return JSON.stringify({ json, meta: { values: meta?.values, referentialEqualities: shared, v: 1 } })
  }

  /** Returns a copy made of this realm's classes. Objects that a custom codec encodes are not copied. */
  function domestic(value: unknown, inspection: Inspection): unknown {
    return ownCopy(value, { leave: (object) => inspection.customs.has(object) })
  }

  function read({ json, meta }: StoredDocument): unknown {
    if (!meta) return json
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- readDocument has just checked every part of it
    return superjson.deserialize({ json, meta } as SuperJSONResult, { inPlace: true })
  }

  /** The inspection has called the codecs already: superjson looks up their results instead of calling them again. */
  function registerCustom(codec: CustomCodec): void {
    const transformer = {
      isApplicable: (value: unknown): value is unknown => customs.get(value)?.codec === codec,
      serialize: (value: unknown) => customs.get(value)?.json,
      deserialize: (json: unknown) => codec.decode(json),
    }
    superjson.registerCustom(transformer, codec.name)
  }
}

function corrupt(error: unknown): PostbusError {
  const reason = error instanceof Corrupt ? error.message : 'it cannot be restored'
  const message = `The stored payload is not a document that Postbus wrote: ${reason}. Restore it, or discard the event.`
  return new PostbusError('POSTBUS_CORRUPT_PAYLOAD', message, { cause: error })
}

function refuseOptions(codecs: readonly CustomCodec[], maxBytes: number): void {
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > MAX_DOCUMENT_BYTES) {
    throw invalid(`\`maxBytes\` is ${maxBytes}, but must be a whole number from 1 to ${grouped(MAX_DOCUMENT_BYTES)}.`)
  }

  const names = codecs.map(({ name }) => name)
  const unusable = names.find((name) => name === '' || isDangerousKey(name))
  if (unusable !== undefined) throw invalid(`"${unusable}" cannot be the name of a codec. Choose another one.`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalid(`Two codecs are named "${twice}". Rename the one without stored events.`)
}

function invalid(message: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', message)
}
