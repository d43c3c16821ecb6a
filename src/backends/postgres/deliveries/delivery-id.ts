/** The id of a delivery: eight bytes of its event's seq, and eight of a hash of its handler's stored name. */
import { handlerHash } from './handler-hash.ts'

export function idOfDelivery(seq: string, handler: string): string {
  const number = seq.length < 16 ? Number(seq) : BigInt(seq) // Number takes half as long, and is exact here
  const hex = number.toString(16).padStart(16, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}-${secondHalf(handler)}`
}

function secondHalf(handler: string): string {
  const hash = handlerHash(handler)
  return `${hash.slice(0, 4)}-${hash.slice(4)}`
}
