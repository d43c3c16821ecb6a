/**
 * Watches whether the processes that started this one still run. A package manager runs a command through a shell. When npx is killed, that
 * shell may live on, and this process with it, so the shell's own parent is watched too.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface Ancestor {
  readonly parent: number
  readonly command: string
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'fish', 'busybox'])
/** A shell may run another shell. Shells further up than this do not belong to our command. */
const MOST_SHELLS = 3

/** Returns a function that says whether one of the processes that started this one has gone since. */
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

/** Undefined for a process that is gone, and on systems where it cannot be looked up. */
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
