/** `postbus worker --log`: how this worker's signals are written, whatever the bus does by default. */
import { subscribe } from 'node:diagnostics_channel'
import type { Bus } from '../bus.ts'
import { partsOf } from '../publishing/backend-override.ts'
import { jsonLog } from '../signal-logs.ts'
import { printSignals, SIGNAL_CHANNEL, type SignalMessage } from '../signals.ts'
import { UsageError } from './command.ts'

const LOGS = { json: jsonLog, pretty: printSignals } as const

/** Takes the place of what the bus prints by itself. An `onSignal` of the application goes on. */
export function logAs(bus: Bus, given: string | undefined): void {
  const format = formatOf(given)
  const parts = partsOf(bus)
  if (format === null || !parts) return
  const write = LOGS[format]()
  parts.printing.print = () => undefined
  subscribe(SIGNAL_CHANNEL, (message) => {
    const { bus: of, signal } = message as SignalMessage // what the channel carries
    if (of === parts.middleware.bus) write(signal)
  })
}

export function formatOf(given: string | undefined): keyof typeof LOGS | null {
  if (given === undefined || given === 'json' || given === 'pretty') return given ?? null
  throw new UsageError(`--log ${given}: expected json or pretty.`)
}
