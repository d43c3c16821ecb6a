/** Event ids: UUIDs of version 7, which sort by the time when they were made, even within one millisecond. */
import { createHash, randomUUID } from 'node:crypto'
import { realNowMs } from '../clock.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

let lastMs = 0
let lastCounter = 0n

/**
 * Makes a UUIDv7 that is larger than every id that this process made before, even when the clock is set back: the
 * millisecond then stays the same, and a 74-bit counter, which began at a random number, counts up.
 */
export function newEventId(): string {
  const nowMs = realNowMs()
  if (nowMs > lastMs) {
    lastMs = nowMs
    lastCounter = randomCounter()
  } else {
    lastCounter += 1n
  }
  return format(lastMs, lastCounter)
}

/** Derives a UUIDv8 from a text. It is the same in every process, so that an event that is published twice is stored once. */
export function idFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Whether a text is a UUID of any version, the form in which event ids are stored. */
export function isEventId(text: string): boolean {
  return UUID.test(text)
}

/** 73 random bits: the highest of the 74 stays 0, so that counting up within a millisecond cannot overflow. */
function randomCounter(): bigint {
  const [first, second, , , last] = randomUUID().split('-') // Node keeps random bytes in store for it
  return BigInt(`0x${first}${second}${last}`) & ((1n << 73n) - 1n)
}

function format(ms: number, counter: bigint): string {
  const time = ms.toString(16).padStart(12, '0')
  const high = (0x7000 | Number(counter >> 62n)).toString(16)
  const low = ((1n << 63n) | (counter & ((1n << 62n) - 1n))).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-${high}-${low.slice(0, 4)}-${low.slice(4)}`
}
