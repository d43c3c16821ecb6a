/**
 * Limits the bytes of large payloads that a claim brings. Deliveries with such a payload carry its size, so a claim knows it before the
 * event is read. A claim brings as many bytes as the worker has room for, and one delivery beyond that. Small deliveries carry no
 * size, and are not counted.
 */
import { MAX_DOCUMENT_BYTES } from '../../../codec/limits.ts'

/** In bytes. Up to this size a payload is not counted: even hundreds of such deliveries are no burden. */
const LARGE = 4_096
/** Only a payload that takes more bytes than this in the table is unpacked to see how large it is. */
const SUSPICIOUS = 1_048_576

const SIZE = `(job.data ->> 'bytes')::bigint`

/** SQL: the size of a large payload as a further member of the delivery's data, in an array; otherwise null. */
export function sizeIfLarge(payload: string): string {
  return `case when octet_length(${payload}) > ${LARGE} then array['bytes', octet_length(${payload})::text] end`
}

export const IS_LARGE = `job.data ? 'bytes'`

/**
 * SQL: whether a handler is a shadow, whose deliveries come without the data. `shadows` is an array of their names, and `handler` is SQL
 * of a name. While there are no shadows, nothing is looked up.
 */
const isShadow = (handler: string) => `shadows is not null and ${handler} = any(shadows)`

/** The size of a delivery, as a column to collect; null if it is not large, or its data does not come with it. */
export const SIZE_COLUMN = `case when ${isShadow(`(job.data ->> 'handler')`)} then null else ${SIZE} end`

export const SIZE_VARIABLES = `
  sizes bigint[];
  is_full boolean := false;`

/**
 * SQL: cuts these arrays, which belong to `sizes`, to what there is room for, and subtracts their bytes from it. The first delivery
 * always fits: a worker without room does not claim.
 */
export function makingRoom(arrays: readonly string[]): string {
  const cut = ['sizes', ...arrays].map((array) => `${array} := ${array}[1 : i - 1];`).join(' ')
  return `if array_remove(sizes, null) <> '{}' then
      for i in 1 .. cardinality(sizes) loop
        if room <= 0 then
          ${cut}
          is_full := true;
          exit;
        end if;
        room := room - coalesce(sizes[i], 0);
      end loop;
    end if;`
}

/** SQL: the payload as text; empty if it is larger than anything that can be published, so that it was written by hand. */
export const PAYLOAD = `case when pg_column_size(event.payload) > ${SUSPICIOUS} and octet_length(event.payload::text) > ${MAX_DOCUMENT_BYTES}
          then '' else event.payload::text end`

/** The payload that comes with a delivery of `activated`: none if its handler is a shadow. */
export const CLAIMED_PAYLOAD = `case when ${isShadow('activated.handler')} then null else ${PAYLOAD} end as payload`
