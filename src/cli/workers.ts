/** `postbus workers`: which processes work at this moment, and on what. */
import type { RunningWorker } from '../deliveries/workers.ts'
import { CONFIG_OPTION, DESCRIBE_CONFIG, DESCRIBE_JSON, JSON_OPTION, text, type Command } from './command.ts'
import { loadBus } from './load-config.ts'
import { printList } from './output.ts'

const HEADS = ['WORKER', 'SINCE', 'SEEN', 'QUEUES (SLOTS)', 'HANDLERS']

export const workers: Command = {
  summary: 'Show which workers are alive, and what they work on.',
  examples: [
    ['postbus workers', 'the oldest first, with the slots of each queue'],
    ['postbus workers --json', 'with the names of their handlers'],
  ],
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  describe: { config: DESCRIBE_CONFIG, json: DESCRIBE_JSON },

  async run(invocation) {
    const bus = await loadBus(text(invocation, 'config'))
    try {
      printList(invocation, await bus.workers(), { heads: HEADS, rowOf, one: 'worker' })
      return 0
    } finally {
      await bus.close()
    }
  },
}

function rowOf({ host, pid, startedAt, seenAt, queues, handlers }: RunningWorker): readonly string[] {
  const slots = queues.map((one) => `${one.queue} (${one.slots ?? 'unknown'})`).join(', ')
  return [`${host}:${pid}`, startedAt.toISOString(), seenAt.toISOString(), slots, String(handlers.length)]
}
