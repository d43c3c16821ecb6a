/** Opens the operator page for the person at this machine, for `postbus ui` and `postbus dev`. */
import { userInfo } from 'node:os'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import type * as ui from '../ui/local-page.ts'
import { UsageError } from './command.ts'

export const UI_PORT = 4711

export interface PageOptions {
  readonly port: number
  readonly host?: string
  readonly isReadOnly: boolean
}

/**
 * @throws {UsageError} when the port is taken or forbidden, or this machine does not have the address.
 * @throws {PostbusError} `POSTBUS_INVALID_CONFIG` when Hono is not installed.
 */
export async function openPage(bus: Bus, options: PageOptions): Promise<ui.LocalPage> {
  const { port, host } = options
  const { openLocalPage } = await theUi()
  try {
    return await openLocalPage(bus, { ...options, by: userName() })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EADDRINUSE') {
      throw new UsageError(`Port ${port} is taken. Choose another one: postbus ui --port ${port + 1}, or 0 for any.`)
    }
    if (code === 'EADDRNOTAVAIL') throw new UsageError(`This machine does not have the address ${host}.`)
    if (code === 'EACCES') throw new UsageError(`You may not use port ${port}. Choose one above 1023.`)
    throw error
  }
}

/** Imported here and not above, because the other commands must work without the packages of the page. */
async function theUi(): Promise<typeof ui> {
  try {
    return await import('../ui/local-page.ts')
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new PostbusError(
      'POSTBUS_INVALID_CONFIG',
      'The operator page is made with Hono, which is not installed. Run: npm install hono',
      { cause: error },
    )
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null
}

/** A container may have a user without a name. */
function userName(): string {
  try {
    return userInfo().username || 'postbus ui'
  } catch {
    return 'postbus ui'
  }
}
