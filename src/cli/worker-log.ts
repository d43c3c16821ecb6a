/** `postbus worker --log`: how signals are written, instead of what the bus does by default. */
import { jsonLog } from '../signal-logs.ts'
import { prettyLog, writeSignals } from '../signals.ts'
import { UsageError } from './command.ts'

const LOGS = { json: jsonLog, pretty: prettyLog } as const

/** Takes the place of what a bus prints by itself. Any other `onSignal` of the application goes on. */
export function logAs(given: string | undefined): void {
  if (given === undefined) return
  if (given !== 'json' && given !== 'pretty') throw new UsageError(`--log ${given}: expected json or pretty.`)
  writeSignals(LOGS[given]())
}
