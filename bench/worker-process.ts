/** A process that works for one contestant: opens, waits to be told to start, and tells how far it has come until told to stop. */
import { contestantNamed } from './contestants/index.ts'
import type { Count } from './contestants/contestant.ts'

/** What the parent says, and what this process answers. */
export type Order = 'start' | 'stop'
export type Answer = 'ready' | Count

/** How exactly the end of a measurement is seen. */
const TELL_EVERY_MS = 5

const [name = '', connectionString = ''] = process.argv.slice(2)
const worker = await contestantNamed(name).open(connectionString)
const count: Count = { done: 0, ofHot: 0 }
let telling: NodeJS.Timeout | undefined

process.on('message', (order: Order) => void (order === 'start' ? start() : stop()))
process.on('disconnect', () => process.exit())
tell('ready')

function start(): void {
  worker.start(count)
  telling = setInterval(() => tell({ done: count.done, ofHot: count.ofHot }), TELL_EVERY_MS)
}

async function stop(): Promise<void> {
  clearInterval(telling)
  await worker.stop()
  process.disconnect()
}

function tell(answer: Answer): void {
  process.send?.(answer)
}
