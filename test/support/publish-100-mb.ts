/** Run as a process of its own with little memory: encodes 100 MB of data of one kind and prints how that went. */

import { createCodec } from '../../src/codec/codec.ts'
import { PostbusError } from '../../src/errors.ts'

const kinds: Record<string, () => unknown> = {
  string: () => 'x'.repeat(100e6),
  strings: () => Array.from({ length: 100 }, () => Buffer.alloc(1e6, 'x').toString('latin1')),
  numbers: () => Array.from({ length: 12.5e6 }, () => 1.5),
  objects: () => Array.from({ length: 1e6 }, (_, id) => ({ id })),
  map: () => new Map(Array.from({ length: 1e6 }, (_, id) => [id, id])),
  bytes: () => new Uint8Array(100e6),
  holes: () => Array(100e6),
}

const data = kinds[process.argv[2] ?? '']?.()
const before = process.cpuUsage()
try {
  createCodec().encode(data, 'shop.tested')
} catch (error) {
  if (!(error instanceof PostbusError)) throw error
  const { user, system } = process.cpuUsage(before)
  console.log(JSON.stringify({ code: error.code, cpuMs: (user + system) / 1_000 }))
}
