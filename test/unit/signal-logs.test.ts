/** Signals in logs: as JSON lines, through pino, and on a console. */
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { consoleLog, jsonLog, pinoLog } from '../../src/signal-logs.ts'
import type { BusSignal } from '../../src/signals.ts'

const FAILED: BusSignal = {
  name: 'attempt.failed',
  level: 'warn',
  message: 'mail.receipt: attempt 1 failed',
  fields: { handler: 'mail.receipt', attempt: 1, level: 'of the handler' },
}

test('jsonLog writes one line of JSON for each signal of its level and above, with the fields beside the message', () => {
  const lines = written()
  const log = jsonLog('warn')

  log(FAILED)
  log({ ...FAILED, level: 'info' })

  expect(lines()).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      level: 'warn',
      signal: 'attempt.failed',
      message: 'mail.receipt: attempt 1 failed',
      handler: 'mail.receipt',
      attempt: 1,
      level_: 'of the handler',
    },
  ])
})

test('jsonLog writes one line for any value that a handler logs: line breaks, big numbers, errors, cycles, getters that throw', () => {
  const lines = written()
  const circle: Record<string, unknown> = {}
  circle['circle'] = circle
  const trap = Object.defineProperty({}, 'trap', { enumerable: true, get: () => JSON.parse('{') as unknown })

  const of = (fields: object) => jsonLog()({ ...FAILED, message: 'two\nlines', fields: { ...fields } })
  of({ amount: 12n, cause: new TypeError('broken') })
  of({ circle })
  of({ trap })

  const [values, ...odd] = lines()
  expect(values).toMatchObject({ message: 'two\nlines', amount: '12', cause: { name: 'TypeError', message: 'broken' } })
  expect(odd).toEqual([
    expect.objectContaining({ signal: 'attempt.failed', fields: expect.stringContaining('[Circular *1]') as string }),
    expect.objectContaining({ signal: 'attempt.failed', fields: expect.any(String) as string }),
  ])
})

test('pinoLog passes the values and the message to pino, at the level of the signal', () => {
  const lines: string[] = []
  const stream = new Writable({ write: (line, _encoding, done) => (lines.push(String(line)), done()) })
  const log = pinoLog(pino({ base: null, timestamp: false }, stream))

  log(FAILED)
  log({ ...FAILED, level: 'debug' })

  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({
      level: 40,
      msg: 'mail.receipt: attempt 1 failed',
      signal: 'attempt.failed',
      handler: 'mail.receipt',
      level_: 'of the handler',
    }),
  ])
})

test('consoleLog passes the message first, and then the values', () => {
  const said = () => vi.fn<(message: string, values: object) => void>()
  const target = { debug: said(), info: said(), warn: said(), error: said() }
  const log = consoleLog('warn', target)

  log(FAILED)
  log({ ...FAILED, level: 'info' })

  expect(target.warn).toHaveBeenCalledWith('mail.receipt: attempt 1 failed', {
    signal: 'attempt.failed',
    handler: 'mail.receipt',
    attempt: 1,
    level_: 'of the handler',
  })
  expect(target.info).not.toHaveBeenCalled()
})

/** Returns the lines that are written to stderr from now on. */
function written(): () => readonly unknown[] {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => write.mockRestore())
  return () => write.mock.calls.map(([line]) => JSON.parse(String(line)) as unknown)
}
