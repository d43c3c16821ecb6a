/** The CPU time of the database servers of this machine. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

const SERVERS = /\((postgres|redis-server)\)/
/** The unit of times in /proc: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10
/** Fields after the name of the process: its own time in user and system mode, and that of its children that have ended. */
const FIRST_TIME = 11
const TIMES = 4

/** Milliseconds since the servers were started; NaN where there is no /proc. */
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
    return 0 // it has ended meanwhile
  }
}
