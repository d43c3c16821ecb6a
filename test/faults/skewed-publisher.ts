/** A publisher process for a machine whose clock is wrong: publishes the tasks it is given, one after the other, and prints the ids of their events. */
import { createBus } from '../../src/index.ts'
import { STEADY, TaskAdded, tracedHandler, type Task } from './tasks.ts'

const { connectionString, tasks } = JSON.parse(process.argv[2] ?? '{}') as { connectionString: string; tasks: Task[] }
const bus = createBus({
  connectionString,
  handlers: [tracedHandler(STEADY, async () => undefined)],
  onSignal: () => undefined,
})
const ids: string[] = []
for (const task of tasks) ids.push(...(await bus.publish(TaskAdded(task))).events.map(({ id }) => id))
await bus.close()
console.log(JSON.stringify({ ids, today: new Date().toISOString() }))
