/** A worker process of one contestant. It opens the contestant, waits for `start`, and reports its progress until `stop`. */
import { machineTime } from './clock.ts'
import { contestantNamed, isHome } from './contestants/by-name.ts'
import type { Count } from './contestants/contestant.ts'

/** The messages that the parent process sends, and the messages that this process sends back. */
export type Instruction =
  | 'start'
  | 'start, telling when each handler starts'
  /** Without progress messages, because these would be most of the work of an idle process. */
  | 'start, telling nothing'
  | 'tell what it costs'
  | 'stop'
export type Answer = 'ready' | Required<Count> | { readonly handled: readonly Handled[] } | Cost

/** The position of an event, and when its handler started, in milliseconds of a clock that all processes of a machine share. */
export type Handled = readonly [place: number, at: number]

export interface Cost {
  readonly cpuMs: number
  readonly rssBytes: number
}

/** The precision with which the end of a measurement is seen. */
const TELL_EVERY_MS = 5

const [home = '', name = '', connectionString = ''] = process.argv.slice(2)
if (!isHome(home)) throw new Error(`No contestants live in "${home}".`)
const worker = await (await contestantNamed(home, name)).open(connectionString)
const count: Count = { done: 0, ofHot: 0 }
let handled: Handled[] = []
let telling: NodeJS.Timeout | undefined

process.on('message', (instruction: Instruction) => void obey(instruction))
process.on('disconnect', () => process.exit())
tell('ready')

function obey(instruction: Instruction): void | Promise<void> {
  if (instruction === 'stop') return stop()
  if (instruction === 'tell what it costs') return tell(cost())
  worker.start(count, instruction === 'start, telling when each handler starts' ? noteStart : () => undefined)
  if (instruction !== 'start, telling nothing') telling = setInterval(tellProgress, TELL_EVERY_MS)
}

function noteStart({ total }: { readonly total: number }): void {
  handled.push([total, machineTime()])
}

function tellProgress(): void {
  const { done, ofHot, ofOthers = done - ofHot } = count
  tell({ done, ofHot, ofOthers })
  if (handled.length === 0) return
  tell({ handled })
  handled = []
}

function cost(): Cost {
  const { user, system } = process.cpuUsage()
  return { cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage.rss() }
}

async function stop(): Promise<void> {
  clearInterval(telling)
  await worker.stop()
  process.disconnect()
}

function tell(answer: Answer): void {
  process.send?.(answer)
}
