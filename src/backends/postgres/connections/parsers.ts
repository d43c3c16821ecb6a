/**
 * Parses the text that Postgres sends, for our own statements. An application may tell pg to parse dates, numbers or JSON in
 * another way, for the whole process; our rows are read by these parsers only.
 *
 * Times are expected in the form that our sessions set (`DateStyle` ISO, see `session.ts`).
 */
import type { CustomTypesConfig } from 'pg'
import { parseArray } from './parse-array.ts'

type Parser = (text: string) => unknown

const asText: Parser = (text) => text
const asBoolean: Parser = (text) => text === 't'
const asJson: Parser = (text) => JSON.parse(text)

/** Each type with its array type, by their numbers in `pg_type`, and its parser. Other types stay text. */
const TYPES: readonly (readonly [type: number, array: number, parse: Parser])[] = [
  [16, 1000, asBoolean], // boolean
  [21, 1005, Number], // smallint
  [23, 1007, Number], // integer
  [26, 1028, Number], // oid
  [700, 1021, Number], // real
  [701, 1022, Number], // double precision
  [20, 1016, asText], // bigint: may be too large for a number
  [1700, 1231, asText], // numeric
  [19, 1003, asText], // name
  [25, 1009, asText], // text
  [1043, 1015, asText], // varchar
  [2950, 2951, asText], // uuid
  [114, 199, asJson], // json
  [3802, 3807, asJson], // jsonb
  [1184, 1185, asTime], // timestamptz
]

const PARSERS: ReadonlyMap<number, Parser> = new Map(
  TYPES.flatMap(([type, array, parse]) => [
    [type, parse] as const,
    [array, (text: string) => parseArray(text, parse)] as const,
  ]),
)

/** For pg: the `types` of a connection or of one statement. */
export const OWN_TYPES = Object.freeze({
  getTypeParser: (type: number) => PARSERS.get(type) ?? asText,
}) as CustomTypesConfig

const ISO = /^(\d{4,})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(?::(\d\d))?(?::\d\d)?$/

function asTime(text: string): Date {
  const [, year = '', month, day, time, hours, minutes = '00'] = ISO.exec(text) ?? []
  if (year === '') return new Date(Number.NaN) // infinity, or before Christ
  const years = year.length === 4 ? year : `+${year.padStart(6, '0')}`
  return new Date(`${years}-${month}-${day}T${time}${hours}:${minutes}`)
}
