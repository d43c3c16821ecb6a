/** Freezes the processes that write a server's WAL in the background, so that only a commit that waits for the disk writes it. */
import { Client } from 'pg'
import { until } from './until.ts'

const WRITERS = ['walwriter', 'background writer', 'autovacuum launcher']

export async function freezeLogOf(connectionString: string): Promise<void> {
  const client = new Client({ connectionString, query_timeout: 1_000 })
  client.on('error', () => undefined)
  await client.connect()
  const pids = (await writers(client)).map(({ pid }) => pid)
  await until('all are frozen asleep', async () => {
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    // A process that was frozen at work may hold a lock, for which all others would wait.
    const areAsleep = await writers(client).then(
      (found) => found.every(({ asleep }) => asleep),
      () => false,
    )
    if (!areAsleep) for (const pid of pids) process.kill(pid, 'SIGCONT')
    return areAsleep
  })
  await client.end()
}

async function writers(client: Client): Promise<readonly { pid: number; asleep: boolean }[]> {
  const { rows } = await client.query<{ pid: number; asleep: boolean }>(
    `select pid, coalesce(wait_event ~ '(Main|Hibernate)$', false) as asleep
    from pg_stat_activity where backend_type = any($1)`,
    [WRITERS],
  )
  return rows
}
