/** The origin of an event, without the publisher naming it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, type EventMetadata, type PublishContext } from '../../../src/index.ts'
import { traceAttempt, traced, withContext } from '../../../src/publishing/trace.ts'

const InvoiceCreated = defineEvent('finances.invoice-created', { schema: z.string() })
const trace = (id = 'i1', options = {}) => traced('shop')(InvoiceCreated(id, options))
const handled = InvoiceCreated('i0', { correlationId: 'order 7' })

describe('a context', () => {
  test('applies to events that are published inside it, also later in promises', async () => {
    const context = { correlationId: 'request 1', source: 'api', metadata: { tenant: 'north' } }

    const [now, later] = await withContext(context, async () => {
      const first = trace()
      await new Promise((resolve) => setTimeout(resolve, 1))
      return [first, trace()]
    })

    expect(now).toMatchObject(context)
    expect(later).toMatchObject(context)
    expect(Object.isFrozen(now)).toBe(true)
    expect(trace()).toMatchObject({ correlationId: null, source: 'shop', metadata: {} })
  })

  test('takes precedence over an outer one, and their metadata is merged', () => {
    const outer: PublishContext = { correlationId: 'outer', source: 'api', metadata: { tenant: 'north', user: 'a' } }

    const event = withContext(outer, () =>
      withContext({ correlationId: 'inner', metadata: { user: 'b' } }, () => trace()),
    )

    expect(event).toMatchObject({ correlationId: 'inner', source: 'api', metadata: { tenant: 'north', user: 'b' } })
  })

  test('does not replace what the event itself has', () => {
    const said = { correlationId: 'mine', source: 'me', metadata: { tenant: 'south' } }

    const event = withContext({ correlationId: 'its', source: 'it', metadata: { tenant: 'north', user: 'a' } }, () =>
      trace('i1', said),
    )

    expect(event).toMatchObject({ ...said, metadata: { tenant: 'south', user: 'a' } })
  })

  test('returns the result of its work, and throws the error of its work', () => {
    expect(withContext({}, () => 7)).toBe(7)
    expect(() =>
      withContext({}, () => {
        throw new Error('no')
      }),
    ).toThrow('no')
  })

  test.each([
    ['no object', 'request 1', 'expected an object'],
    ['a misspelled field', { correlation: 'x' }, '"correlation" is not one of correlationId, source, metadata.'],
    ['an empty id', { correlationId: '' }, '`correlationId` is "": expected text.'],
    ['metadata that JSON would lose', { metadata: { at: new Date(0) } }, '`metadata.at` is a Date'],
  ])('is refused when it is %s', (_, context, problem) => {
    const bus = createBus({ backend: 'mailbox', handlers: [] })
    let hasRun = false

    const call = () => bus.withContext(context as PublishContext, () => (hasRun = true))

    expect(call).toThrow(problem)
    expect(call).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
    expect(hasRun).toBe(false)
  })
})

describe('an attempt', () => {
  test('is the cause of events that are published inside it', () => {
    const event = traceAttempt(handled, 'mail.receipt').run(() => trace())

    expect(event).toMatchObject({
      correlationId: 'order 7',
      causationId: handled.id,
      causedByHandler: 'mail.receipt',
      source: 'shop',
    })
  })

  test('is not the cause of an event that names another cause, and neither is its handler', () => {
    const event = traceAttempt(handled, 'mail.receipt').run(() => trace('i1', { causationId: 'form 7' }))

    expect(event).toMatchObject({ causationId: 'form 7', causedByHandler: null, correlationId: 'order 7' })
  })

  test('within another attempt is the cause, as the nearer one', () => {
    const inner = InvoiceCreated('i5')

    const event = traceAttempt(handled, 'outer').run(() => traceAttempt(inner, 'inner').run(() => trace()))

    expect(event).toMatchObject({ causationId: inner.id, causedByHandler: 'inner', correlationId: inner.id })
  })

  test('passes on the trace headers of W3C, and no other metadata', () => {
    const metadata: EventMetadata = { traceparent: '00-0af7-b7ad-01', tracestate: 'a=b', tenant: 'north' }
    const cause = InvoiceCreated('i0', { metadata })

    const event = traceAttempt(cause, 'mail.receipt').run(() => trace())

    expect(event.metadata).toEqual({ traceparent: '00-0af7-b7ad-01', tracestate: 'a=b' })
  })

  test('that has ended is not the cause of later events from its timers or pools', () => {
    const attempt = traceAttempt(handled, 'mail.receipt')
    const leftBehind = attempt.run(() => AsyncLocalStorage.bind(() => trace()))
    const inItsContext = attempt.run(() =>
      withContext({ source: 'a part' }, () => AsyncLocalStorage.bind(() => trace())),
    )

    attempt.end()

    expect(leftBehind()).toMatchObject({ causationId: null, causedByHandler: null, correlationId: null })
    expect(inItsContext()).toMatchObject({ causationId: null, correlationId: null, source: 'a part' })
  })

  test('that has ended leaves the outer context in place', () => {
    const event = withContext({ source: 'worker 3' }, () => {
      const attempt = traceAttempt(handled, 'mail.receipt')
      return attempt.run(() => {
        attempt.end()
        return trace()
      })
    })

    expect(event).toMatchObject({ source: 'worker 3', causationId: null })
  })
})
