/** Reads the text fields of a form or a link from the query; empty fields are left out. */
import { PostbusError } from '../errors.ts'

export function asked(query: URLSearchParams, name: string): string | null {
  const value = query.get(name)?.trim()
  return value === undefined || value === '' ? null : value
}

/** Returns `{ [as]: value }`, or nothing when the field is empty, because the bus refuses fields that are undefined. */
export function field<Name extends string>(
  query: URLSearchParams,
  name: string,
  as: Name,
): { [Field in Name]?: string } {
  const value = asked(query, name)
  return value === null ? {} : ({ [as]: value } as { [Field in Name]: string })
}

/** A time, in UTC unless it names a zone. */
export function timeField<Name extends string>(query: URLSearchParams, name: Name): { [Field in Name]?: Date } {
  const value = asked(query, name)
  if (value === null) return {}
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(value)
  const at = new Date(hasZone || !value.includes('T') ? value : `${value}Z`)
  if (Number.isNaN(at.getTime())) throw refused(`${name}: "${value}" is not a time, such as 2026-05-01T12:30.`)
  return { [name]: at } as { [Field in Name]: Date }
}

export function oneOf<Value extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly Value[],
): Value | null {
  const value = asked(query, name)
  if (value === null) return null
  const known = values.find((one) => one === value)
  if (known === undefined) throw refused(`${name}: expected one of ${values.join(', ')}.`)
  return known
}

export function refused(message: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', message)
}
