/** The partitions for some shards: every partition that contains their events, and no other. */
import { expect, test } from 'vitest'
import { decodeProgress, encodeProgress } from '../../../src/jetstream/relay-progress.ts'
import { partitionsOf, streamOf } from '../../../src/jetstream/stream-names.ts'

const HASHES = 65_536

test.each([
  [16, 64],
  [64, 16],
  [5, 64],
  [12, 8],
  [1, 7],
  [100, 30],
])('%i shards in %i partitions', (of, partitions) => {
  for (const wanted of [[0], [of - 1], [0, Math.floor(of / 2)]]) {
    const found = new Set(
      partitionsOf({ of, wanted }, partitions) ?? Array.from({ length: partitions }, (_, one) => one),
    )
    const needed = new Set<number>()
    for (let hash = 0; hash < HASHES; hash += 1) if (wanted.includes(hash % of)) needed.add(hash % partitions)
    expect(found).toEqual(needed)
  }
})

test('all shards need all partitions', () => {
  expect(partitionsOf(null, 64)).toBeNull()
  expect(partitionsOf({ of: 4, wanted: [0, 1, 2, 3] }, 64)).toBeNull()
})

test.each([
  [null, 'shop'],
  ['tenant_a', 'shop_tenant_a'],
  ['shard-1/tenant_a', 'shop_shard-1_tenant_a'],
  ['a.b *>', 'shop_a_b___'],
])('the stream of tenant %j', (tenant, stream) => {
  expect(streamOf('shop', tenant)).toBe(stream)
})

test('a report of the relay is decoded, and a message of another program is not', () => {
  const progress = { number: 5, last: 4, lastOf: [0, 4], created: '2026-01-01T00:00:00Z', erased: 0, life: null }

  expect(decodeProgress(encodeProgress(progress))).toEqual(progress)
  for (const text of ['', '5', '{}', '{"number":"5"}', encodeProgress(progress).slice(1)])
    expect(decodeProgress(text)).toBeNull()
})
