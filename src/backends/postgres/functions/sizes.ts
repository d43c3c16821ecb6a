/**
 * Large payloads. A delivery of one carries its size, so that a claim knows what it takes on before it has read the event: it
 * brings what the worker has room for, and one beyond that. What is not large has no size, and costs no room.
 */

import { MAX_DOCUMENT_BYTES } from '../../../codec/limits.ts'

/** Bytes. A hundred times as many deliveries of this size are no burden. */
const LARGE = 4_096
/** Of what is stored in fewer bytes nobody need ask how large it is when it is unpacked. */
const SUSPICIOUS = 1_048_576

const SIZE = `(job.data ->> 'bytes')`

/** SQL: further members of a delivery's data, as an array. */
export function sizeIfLarge(payload: string): string {
  return `case when octet_length(${payload}) > ${LARGE} then array['bytes', octet_length(${payload})::text] end`
}

export const IS_LARGE = `job.data ? 'bytes'`

/** The size of a delivery, as a column to collect; null if it is not large. */
export const SIZE_COLUMN = `${SIZE}::bigint`

export const SIZE_VARIABLES = `
  sizes bigint[];
  is_full boolean := false;`

/**
 * Leaves of these arrays, which go with `sizes`, what there is room for, and takes that off. There is always room for the first
 * one of a claim: the worker does not ask otherwise.
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

/** The payload as text; empty when it is larger than anything that was published, and so was written by hand. */
export const PAYLOAD = `case when pg_column_size(event.payload) > ${SUSPICIOUS} and octet_length(event.payload::text) > ${MAX_DOCUMENT_BYTES}
          then '' else event.payload::text end as payload`
