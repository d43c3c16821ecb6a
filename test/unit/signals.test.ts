import { stripVTControlCharacters } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { emitTo, logWith, printSignals, type BusSignal, type BusSignalLevel } from '../../src/signals.ts'

const LEVELS: readonly BusSignalLevel[] = ['debug', 'info', 'warn', 'error']

afterEach(() => vi.restoreAllMocks())

describe('a signal', () => {
  test('reaches the listener as a frozen object with its name, level, sentence and fields', () => {
    const signals: BusSignal[] = []
    const emit = emitTo((signal) => signals.push(signal))

    emit('warn', 'claim.lost', 'It was lost.', { deliveryId: 'd1' })

    expect(signals).toEqual([
      { name: 'claim.lost', level: 'warn', message: 'It was lost.', fields: { deliveryId: 'd1' } },
    ])
    expect(Object.isFrozen(signals[0])).toBe(true)
  })

  test('has no fields when none are given', () => {
    const signals: BusSignal[] = []

    emitTo((signal) => signals.push(signal))('info', 'worker.started', 'Working.')

    expect(signals[0]?.fields).toEqual({})
  })

  test('does not stop the work when its listener throws, and the error is printed', () => {
    const shown = vi.spyOn(console, 'error').mockReturnValue()
    const failure = new Error('listener')
    const emit = emitTo(() => {
      throw failure
    })

    emit('error', 'worker.error', 'Something.')

    expect(shown).toHaveBeenCalledWith(expect.stringContaining('the signal listener threw'), failure)
  })
})

describe('an asynchronous listener', () => {
  test('that fails is reported, and leaves no unhandled rejection that would end the process', async () => {
    const shown = vi.spyOn(console, 'error').mockReturnValue()
    const failure = new Error('listener')
    const listener = (): unknown => Promise.reject(failure)
    const emit = emitTo(listener)

    emit('error', 'worker.error', 'Something.')
    await new Promise(setImmediate)

    expect(shown).toHaveBeenCalledWith(expect.stringContaining('the signal listener threw'), failure)
  })
})

describe('a handler’s log', () => {
  test('adds the handler to the logged fields, at the same level', () => {
    const signals: BusSignal[] = []
    const log = logWith(
      emitTo((signal) => signals.push(signal)),
      () => ({ handler: 'mail.receipt', attempt: 1 }),
    )

    for (const level of LEVELS) log[level](`at ${level}`, { attempt: 2, extra: true })

    expect(signals.map(({ level }) => level)).toEqual(LEVELS)
    expect(signals[0]).toEqual({
      name: 'handler.log',
      level: 'debug',
      message: 'at debug',
      fields: { handler: 'mail.receipt', attempt: 2, extra: true },
    })
  })
})

describe('printed signals', () => {
  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('from level %s up are %j', (from, expected) => {
    const printed = printedBy(() => {
      const listener = printSignals(from)
      for (const level of LEVELS) listener(aSignal(level))
    })

    expect(printed.map((line) => line.split(/\s+/)[1])).toEqual(expected)
  })

  test('are those from level info up by default', () => {
    const printed = printedBy(() => {
      const listener = printSignals()
      for (const level of LEVELS) listener(aSignal(level))
    })

    expect(printed).toHaveLength(3)
  })

  test('are lines with the time, the level and the sentence', () => {
    const printed = printedBy(() => printSignals()(aSignal('warn')))

    expect(printed).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z warn {2}It was lost\.\n$/)])
  })
})

test('a printed signal is one line, even if it quotes an error of several lines', () => {
  const printed = printedBy(() => printSignals()({ ...aSignal('warn'), message: 'first\nsecond\u001b[2J' }))

  expect(printed).toEqual([expect.stringMatching(/ first second \[2J\n$/)])
})

function aSignal(level: BusSignalLevel): BusSignal {
  return { name: 'claim.lost', level, message: 'It was lost.', fields: {} }
}

/** Returns the text that `work` writes to stderr, without colours. */
function printedBy(work: () => void): readonly string[] {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  work()
  return write.mock.calls.map(([text]) => stripVTControlCharacters(String(text)))
}
