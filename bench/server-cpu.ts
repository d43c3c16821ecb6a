/** The CPU time of the database servers of this machine. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

const SERVERS = /\((postgres|redis-server)\)/
/** The unit of times in /proc. */
const TICK_MS = 10
/** The position of the first time in `/proc/PID/stat`, counted after the name of the process. Four times follow each other: user and system time of the process, then of its ended children. */
const FIRST_TIME = 11
const TIMES = 4

/** Returns the CPU time that the servers have used so far, in milliseconds; NaN if there is no /proc. */
export function serverCpuMs(): number {
  const processes = numbersIn('/proc')
  if (processes.length === 0) return NaN
  return TICK_MS * processes.reduce((sum, pid) => sum + ticksOf(pid), 0)
}

function numbersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function ticksOf(pid: string): number {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    if (!SERVERS.test(line)) return 0
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return fields.slice(FIRST_TIME, FIRST_TIME + TIMES).reduce((sum, field) => sum + Number(field), 0)
  } catch {
    return 0 // the process has ended meanwhile
  }
}
