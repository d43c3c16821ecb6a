/**
 * Whether the processes that started this one are still there. A package manager runs a command through a shell, so when
 * npx is killed the shell may live on, and with it this process: the shell's own parent is watched too.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface Ancestor {
  readonly parent: number
  readonly command: string
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'fish', 'busybox'])
/** A shell may run a shell; beyond that it is not a command of ours any more. */
const MOST_SHELLS = 3

/** Returns a question: is one of those that were there now gone? */
export function watchParents(): () => boolean {
  const parent = process.ppid
  const shells = shellsAbove(parent)
  return () => process.ppid !== parent || shells.some(({ pid, startedBy }) => ancestor(pid)?.parent !== startedBy)
}

/** Each shell, with the process that started it. */
function shellsAbove(start: number): readonly { readonly pid: number; readonly startedBy: number }[] {
  const shells: { readonly pid: number; readonly startedBy: number }[] = []
  for (let pid = start; shells.length < MOST_SHELLS;) {
    const found = ancestor(pid)
    if (!found || !isShell(found.command) || found.parent <= 1) break
    shells.push({ pid, startedBy: found.parent })
    pid = found.parent
  }
  return shells
}

function isShell(command: string): boolean {
  return SHELLS.has(basename(command).replace(/^-/, ''))
}

/** Undefined for a process that is gone, and where there is no way to ask. */
function ancestor(pid: number): Ancestor | undefined {
  if (process.platform === 'win32') return undefined
  try {
    return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
  } catch {
    return undefined
  }
}

/** `123 (name) S 1 …`; the name may hold brackets and blanks. */
function fromProc(pid: number): Ancestor {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [, command = '', parent = ''] = /^\d+ \((.*)\) \S (\d+) /s.exec(stat) ?? []
  return { command, parent: Number(parent) }
}

function fromPs(pid: number): Ancestor {
  const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' })
  const [, parent = '', command = ''] = /^\s*(\d+)\s+(.*?)\s*$/.exec(line) ?? []
  return { command, parent: Number(parent) }
}
