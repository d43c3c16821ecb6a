/**
 * Chooses the account that runs the embedded Postgres. Postgres refuses to run as root, so for root another account is used; every other user
 * runs it with their own account.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unavailable } from './unavailable.ts'

/** Empty: the user who runs this process. */
export type Account = { readonly uid?: number; readonly gid?: number }

/** Accounts without rights of their own, best first. `nobody` exists even in slim containers. */
const unprivilegedAccounts = ['postgres', '_postgres', 'nobody']

/** The account for a folder. Postgres insists that its data belong to the user who runs it, so the owner of an existing folder decides. */
export async function accountFor(folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  return (await ownerOf(folder)) ?? (await unprivilegedAccount())
}

/** How to run a program of Postgres: in a folder that every account can enter, without the caller's locale and PG* variables. */
export function runAs(account: Account) {
  return { ...account, cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC' } }
}

/** Whether this account can run this program without an error. */
export async function canRun(account: Account, program: string, ...options: string[]): Promise<boolean> {
  return promisify(execFile)(program, options, runAs(account)).then(
    () => true,
    () => false,
  )
}

async function ownerOf(folder: string): Promise<Account | undefined> {
  if (!existsSync(folder)) return undefined
  const { uid, gid } = await stat(folder)
  return uid === 0 ? undefined : { uid, gid }
}

/** Reads the file itself: slim containers have no `id` to ask and no `useradd` to make an account with. */
async function unprivilegedAccount(): Promise<Account> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const wanted of unprivilegedAccounts) {
    const account = accounts.find(([name]) => name === wanted)
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw unavailable(`root cannot run Postgres, and no account is named ${unprivilegedAccounts.join(' or ')}`)
}
