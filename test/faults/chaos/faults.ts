/** The faults. Each one heals itself before it returns. If runs may be repeated because of it, it notes an interruption. */
import type { Interruption } from '../../support/trace-checks.ts'
import { READER, type ChaosWorker, type World } from './world.ts'

export interface Fault {
  readonly name: string
  /** Returns what there is to report besides the fault's name. */
  readonly inject: (world: World) => Promise<string>
}

/** A claim without a heartbeat for 10 s may be taken over. After a shorter time no run may be repeated. */
const CLAIM_LIVES_MS = 10_000
/** A worker that has sent no heartbeat for 8 s loses its shards of the log. Its last heartbeat can be a second old when the fault begins. */
const LEASES_LIVE_MS = 7_000
/** Two server faults this close together may delay heartbeats as much as one fault that is longer than the life of a claim. */
const CLOSE_MS = 12_000

export const FAULTS: readonly Fault[] = [
  { name: 'worker killed', inject: killed },
  { name: 'worker frozen shortly', inject: (world) => frozen(world, 1_000 + world.random() * 6_000) },
  {
    name: 'worker frozen until its claims are lost',
    inject: (world) => frozen(world, 11_500 + world.random() * 3_000),
  },
  { name: 'worker terminated', inject: terminated },
  { name: 'connections of workers ended', inject: connectionsEnded },
  { name: 'connections of publishers reset', inject: publishersReset },
  { name: 'black hole around a worker', inject: blackHole },
  { name: 'slow network', inject: slowNetwork },
  { name: 'server restarted', inject: (world) => heldUp(world, restarted) },
  { name: 'server crashed', inject: crashed },
  { name: 'server only reads', inject: (world) => heldUp(world, onlyReads) },
  { name: 'disk full', inject: (world) => heldUp(world, diskFull) },
  { name: 'clock set', inject: clockSet },
  { name: 'table locked', inject: (world) => heldUp(world, tableLocked) },
]

async function killed(world: World): Promise<string> {
  const worker = world.anyWorker()
  await died(world, worker)
  await world.replace(worker)
  return `process ${worker.process.pid}`
}

async function died(world: World, { process }: ChaosWorker): Promise<void> {
  process.kill('SIGKILL')
  await process.exited
  await noteDeath(world, process.pid)
}

async function noteDeath(world: World, pid: number): Promise<void> {
  const from = await world.stage.trace.now()
  world.interruptions.push({ pid, from, ...(await world.holding()) })
}

async function frozen(world: World, ms: number): Promise<string> {
  const { process } = world.anyWorker()
  process.kill('SIGSTOP')
  const from = await world.stage.trace.now()
  const [holding] = await Promise.all([world.holding(), world.pause(ms)])
  process.kill('SIGCONT')
  if (ms > CLAIM_LIVES_MS) await mayRepeat(world, [process.pid], { from, ...holding })
  else if (ms > LEASES_LIVE_MS) await mayRepeat(world, [process.pid], { from, handlers: [READER] })
  return `process ${process.pid} for ${seconds(ms)}`
}

/** Notes which runs of these processes may be repeated: those in flight, and those begun before the process learns of the loss. */
async function mayRepeat(world: World, pids: readonly number[], loss: Omit<Interruption, 'pid' | 'to'>): Promise<void> {
  const to = (await world.stage.trace.now()) + 3_000
  for (const pid of pids) world.interruptions.push({ ...loss, pid, to })
}

/** Injects a fault that keeps all workers from writing their heartbeats. */
async function heldUp(world: World, fault: Fault['inject']): Promise<string> {
  const from = await world.stage.trace.now()
  const told = await fault(world)
  const to = await world.stage.trace.now()
  const close = world.heldUp.findLast((earlier) => earlier.to > from - CLOSE_MS)
  const pids = world.workers.map(({ process }) => process.pid)
  if (close) await mayRepeat(world, pids, { from: close.from })
  else if (to - from > LEASES_LIVE_MS) await mayRepeat(world, pids, { from, handlers: [READER] })
  world.heldUp.push({ from: close?.from ?? from, to })
  return told
}

async function terminated(world: World): Promise<string> {
  const worker = world.anyWorker()
  worker.process.kill('SIGTERM')
  const { code } = await worker.process.exited
  // Claims that it could not give back, because the server was away, are taken over like the claims of a killed worker.
  if (code !== 0) await noteDeath(world, worker.process.pid)
  await world.replace(worker)
  return `process ${worker.process.pid}, exit code ${code}`
}

async function connectionsEnded(world: World): Promise<string> {
  const wanted = 1 + Math.floor(world.random() * 6)
  const { rows } = await world.stage.database
    .query(
      `select pg_terminate_backend(pid) from (
        select pid from pg_stat_activity where application_name like 'postbus%' order by random() limit $1
      ) chosen`,
      [wanted],
    )
    .catch(() => ({ rows: [] }))
  return `${rows.length}`
}

async function publishersReset(world: World): Promise<string> {
  return `${world.proxy.reset()}`
}

async function blackHole(world: World): Promise<string> {
  const { process, proxy } = world.anyWorker()
  const ms = 500 + world.random() * 15_000
  const from = await world.stage.trace.now()
  proxy.set('blackhole')
  const [holding] = await Promise.all([world.holding(), world.pause(ms)])
  proxy.set('pass')
  // Its connections stay silent until their statements time out.
  if (ms + 4_000 > CLAIM_LIVES_MS) await mayRepeat(world, [process.pid], { from, ...holding })
  else if (ms + 4_000 > LEASES_LIVE_MS) await mayRepeat(world, [process.pid], { from, handlers: [READER] })
  return `process ${process.pid} for ${seconds(ms)}`
}

async function slowNetwork(world: World): Promise<string> {
  const proxies = [world.proxy, ...world.workers.map(({ proxy }) => proxy)]
  for (const proxy of proxies) proxy.delay(50, 100)
  const ms = 2_000 + world.random() * 6_000
  await world.pause(ms)
  for (const proxy of proxies) proxy.delay(0)
  return `for ${seconds(ms)}`
}

async function restarted(world: World): Promise<string> {
  const ms = world.random() * 3_000
  await world.server.stop().catch(() => undefined)
  await world.pause(ms)
  await world.server.start()
  return `after ${seconds(ms)}`
}

async function crashed(world: World): Promise<string> {
  // Writes for deliveries without a key do not wait for the disk, so the writes of the last moment before the crash are lost.
  const from = (await world.stage.trace.now()) - 1_000
  await world.server.crash().catch(() => undefined)
  await world.server.start()
  await mayRepeat(world, world.workers.map(({ process }) => process.pid), { from }) // prettier-ignore
  return ''
}

async function onlyReads(world: World): Promise<string> {
  const ms = 1_000 + world.random() * 5_000
  await world.insist('alter system set default_transaction_read_only = on')
  await world.insist('select pg_reload_conf()')
  await world.pause(ms)
  await world.insist('alter system reset default_transaction_read_only')
  await world.insist('select pg_reload_conf()')
  return `for ${seconds(ms)}`
}

async function diskFull(world: World): Promise<string> {
  const ms = 500 + world.random() * 4_000
  await world.insist(`create or replace function disk_is_full() returns trigger language plpgsql as $$ begin
    raise exception using errcode = '53100', message = 'could not extend file: No space left on device';
  end $$`)
  await world.insist(`create or replace trigger full_disk before insert or update or delete on pgboss.job_common
    for each row execute function disk_is_full()`)
  await world.pause(ms)
  await world.insist('drop trigger if exists full_disk on pgboss.job_common')
  return `for ${seconds(ms)}`
}

async function clockSet(world: World): Promise<string> {
  const step = Math.round((world.random() - 0.5) * 120)
  const ms = 1_000 + world.random() * 10_000
  await world.insist(clock(`now() + interval '${step} s'`))
  await world.pause(ms)
  await world.insist(clock('now()'))
  return `by ${step} s for ${seconds(ms)}`
}

function clock(time: string): string {
  return `create or replace function pgboss.job_now() returns timestamptz language sql stable as $$ select ${time} $$`
}

async function tableLocked(world: World): Promise<string> {
  const ms = 500 + world.random() * 11_000
  const mode = world.random() < 0.5 ? 'share' : 'access exclusive'
  const holder = await world.stage.database.connect().catch(() => null)
  if (!holder) return 'not reached'
  holder.on('error', () => undefined)
  try {
    await holder.query(`begin; lock table pgboss.job_common in ${mode} mode`)
    await world.pause(ms)
    await holder.query('commit')
  } catch {
    return `${mode} mode, ended by another fault`
  } finally {
    holder.release(true)
  }
  return `${mode} mode for ${seconds(ms)}`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
