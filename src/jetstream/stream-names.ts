/** The names of a stream, and the partitions of its messages. */

/** Names that JetStream accepts for a stream, and that are one word of a subject. */
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

/** The subject on which the relay tells how far the stream is filled. It is no message of the stream. */
export function progressSubject(stream: string): string {
  return `${stream}.filled`
}

/** Which partitions hold events of these shards. `null`: all. */
export function partitionsOf(
  shards: { readonly of: number; readonly wanted: readonly number[] } | null,
  partitions: number,
): readonly number[] | null {
  if (shards === null) return null
  // A shard is a remainder of the hash, as is a partition. Both tell the remainder for each number that divides both of them.
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
