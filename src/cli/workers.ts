/** `postbus workers`: shows which processes work at this moment, and on what. */
import type { RunningWorker } from '../deliveries/workers.ts'
import { BUS_OPTIONS, DESCRIBE_BUS, DESCRIBE_JSON, JSON_OPTION, type Command } from './command.ts'
import { busFor } from './load-config.ts'
import { printList } from './output.ts'

const HEADS = ['WORKER', 'SINCE', 'SEEN', 'QUEUES (SLOTS)', 'HANDLERS']

export const workers: Command = {
  summary: 'Show which workers are alive, and what they work on.',
  examples: [
    ['postbus workers', 'the oldest first, with the slots of each queue'],
    ['postbus workers --json', 'with the names of their handlers'],
  ],
  options: { ...BUS_OPTIONS, ...JSON_OPTION },
  describe: { ...DESCRIBE_BUS, json: DESCRIBE_JSON },

  async run(invocation) {
    const bus = await busFor(invocation)
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
