/** A time that all processes of one machine can compare: Linux, macOS and Windows count it from the start of the machine. */

/** Milliseconds. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1_000_000
}
