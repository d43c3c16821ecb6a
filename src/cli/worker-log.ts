/** `postbus worker --log`: writes signals in the chosen form, instead of the form that the bus uses by default. */
import { jsonLog } from '../signal-logs.ts'
import { prettyLog, writeSignals } from '../signals.ts'
import { UsageError } from './command.ts'

const LOGS = { json: jsonLog, pretty: prettyLog } as const

/** Replaces what a bus prints by itself. Any other `onSignal` of the application still runs. */
export function logAs(given: string | undefined): void {
  if (given === undefined) return
  if (given !== 'json' && given !== 'pretty') throw new UsageError(`--log ${given}: expected json or pretty.`)
  writeSignals(LOGS[given]())
}
