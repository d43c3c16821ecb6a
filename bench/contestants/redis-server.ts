/** Starts a Redis server, if the machine has the program, on a port of its own and with its data in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import type { NotHere, OwnStore } from './contestant.ts'

/** Redis's default: a snapshot now and then, and nothing is written to disk when a command is acknowledged. */
export const REDIS_SAYS =
  'redis-server with its default persistence (snapshots; what came after the last one is lost in a crash)'

export async function bringRedis(): Promise<OwnStore | NotHere> {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-bench-redis-'))
  const port = await freePort()
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder])
  const isReady = await Promise.race([saysReady(server), once(server, 'error').then(() => false), exits(server)])
  if (!isReady) {
    await rm(folder, { recursive: true, force: true })
    return { because: 'no redis-server on this machine' }
  }
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null })
  return {
    connectionString: `redis://127.0.0.1:${port}`,
    commands: async () => Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]),
    async stop() {
      redis.disconnect()
      const ended = once(server, 'exit')
      server.kill('SIGKILL') // its data is not kept
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function exits(server: ChildProcess): Promise<false> {
  await once(server, 'exit')
  return false
}

async function saysReady(server: ChildProcess): Promise<boolean> {
  const { stdout } = server
  if (!stdout) return false
  for await (const line of createInterface(stdout)) {
    if (!line.includes('Ready to accept connections')) continue
    stdout.resume()
    return true
  }
  return false
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
