/** The names of a stream, and the partitions of its messages. */

/** The names that JetStream accepts both as a stream and as one part of a subject. */
export const STREAM_NAME = /^[A-Za-z0-9_-]{1,200}$/

/** The stream of a bus. Each tenant has one of its own. */
export function streamOf(stream: string, tenant: string | null): string {
  return tenant === null ? stream : `${stream}_${tenant.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`
}

/** The subject of all messages of the log. */
export function logSubjects(stream: string): string {
  return `${stream}.log.*`
}

export function logSubject(stream: string, partition: number): string {
  return `${stream}.log.${partition}`
}

/** The subject of the relay's progress reports. They are not stored in the stream. */
export function progressSubject(stream: string): string {
  return `${stream}.filled`
}

/** Returns the partitions that contain events of these shards; `null`: all partitions. */
export function partitionsOf(
  shards: { readonly of: number; readonly wanted: readonly number[] } | null,
  partitions: number,
): readonly number[] | null {
  if (shards === null) return null
  // Shard and partition are remainders of the same hash. So both have the same remainder for their greatest common divisor.
  const common = greatestCommonDivisor(shards.of, partitions)
  const wanted = new Set(shards.wanted.map((shard) => shard % common))
  const found = Array.from({ length: partitions }, (_, partition) => partition).filter((one) =>
    wanted.has(one % common),
  )
  return found.length === partitions ? null : found
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other)
}
