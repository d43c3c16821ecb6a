/**
 * Joins the server of an installation, and starts it first if it does not run: from nothing, after a clean stop, after
 * it was killed, and while other processes try the same.
 */
import { readFile } from 'node:fs/promises'
import { delay, performance } from '../clock.ts'
import { type Installation, dataIn, isAlive, logIn, makeCluster } from './cluster.ts'
import { type Membership, join } from './membership.ts'
import { type Settings, forgetServer, recordedServer, startServer } from './server.ts'
import { unavailable } from './unavailable.ts'

/** A server that recovers from a crash reports that, and may take up to `patienceMs`. A server silent for `silenceMs` is not there. */
const patienceMs = 60_000
const silenceMs = 1_000

/** The pause before each attempt. A killed server's processes may still hold its memory for a moment, or its port may be taken. */
const pausesMs = [0, 50, 100, 500, 1_000, 2_000]

export async function joinOrStart(installation: Installation, settings: Settings): Promise<Membership> {
  for (const pauseMs of pausesMs) {
    await delay(pauseMs)
    await makeCluster(installation)
    const membership = (await joinRunning(installation)) ?? (await startAndJoin(installation, settings))
    if (membership) return membership
  }
  throw unavailable(`its server does not start. ${await endOfLog(installation)}`)
}

/** `undefined` if no server runs. */
async function joinRunning(installation: Installation): Promise<Membership | undefined> {
  const { folder } = installation
  const startedAt = performance.now()
  for (let heardAt = startedAt; performance.now() - startedAt < patienceMs; await delay(20)) {
    const server = await recordedServer(folder)
    if (!server || !isAlive(server.pid)) return undefined

    const isOfCopiedFolder = server.dataFolder !== dataIn(folder)
    const isOfReusedPid = performance.now() - heardAt > silenceMs // usual after a restart of a container
    if (isOfCopiedFolder || isOfReusedPid) {
      await forgetServer(folder)
      return undefined
    }

    const answer = await join(installation, server)
    if (answer.is === 'joined') return answer.membership
    if (answer.is === 'busy') heardAt = performance.now()
  }
  throw unavailable(`its server runs but refuses every connection. ${await endOfLog(installation)}`)
}

/** `undefined` if the new server ended: another process started the server first, or it could not start this time. */
async function startAndJoin(installation: Installation, settings: Settings): Promise<Membership | undefined> {
  const started = await startServer(installation, settings)
  if (!started) return undefined

  const startedAt = performance.now()
  while (started.exitCode === null && started.signalCode === null) {
    const server = await recordedServer(installation.folder)
    const answer = server?.pid === started.pid && server && (await join(installation, server))
    if (answer && answer.is === 'joined') return answer.membership

    if (performance.now() - startedAt > patienceMs)
      throw unavailable(`it is not ready. ${await endOfLog(installation)}`)
    await delay(20)
  }
  return undefined
}

async function endOfLog({ folder }: Installation): Promise<string> {
  const log = await readFile(logIn(folder), 'utf8').catch(() => 'nothing')
  return `${logIn(folder)} ends with:\n${log.split('\n').slice(-12).join('\n')}`
}
