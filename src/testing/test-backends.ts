/** Chooses the backend of each publish while tests run, by the mode of the test that the publish belongs to. */
import type { Backend } from '../publishing/backend.ts'
import type { BackendOverride, BusParts, Cut } from '../publishing/backend-override.ts'
import { overrideBackends } from '../publishing/backend-override.ts'
import { createInlineBackend } from '../backends/inline.ts'
import { createMailboxBackend } from '../backends/mailbox.ts'
import { PostbusError } from '../errors.ts'
import { freeConnections } from './connections.ts'
import { ownerOf, severalTests, type Owner } from './owner.ts'
import { stackAbove } from './published-at.ts'
import { state } from './state.ts'
import type { EventBusMode, TestBus } from './test-bus.ts'

/** Replaces the backends of all buses with test backends, until the returned function is called. */
export function installTestBackends(): () => void {
  state.installed += 1
  state.restoreConnections ??= freeConnections()
  overrideBackends(testBackends)
  return () => {
    state.installed -= 1
    if (state.installed > 0) return
    overrideBackends(undefined)
    state.restoreConnections?.()
    state.restoreConnections = null
  }
}

const testBackends: BackendOverride = {
  backendFor(bus, publish) {
    const owner = ownerOf(bus)
    const mode = modeFor(bus, owner)
    if (mode === 'live' || (mode === 'inline' && bus.kind === 'none')) return undefined
    if (owner.is === 'unclear') return refusing(() => severalTests('publish()', owner.tests))

    const test = owner.is === 'test' ? owner.test : state.outside
    if (mode === 'inline') return createInlineBackend({ ...callable(bus), ids: test.idsOf(bus) })
    return recordingBackend(bus, test, { strict: mode === 'strict', publish })
  },
}

/** A chosen mode applies to every bus. If none was chosen, a bus that was created as inline or strict stays so. */
function modeFor(bus: BusParts, owner: Owner): EventBusMode {
  const unchosen = bus.kind === 'inline' || bus.kind === 'strict' ? bus.kind : 'mailbox'
  if (owner.is === 'test') return owner.test.chosenMode ?? unchosen
  if (owner.is === 'nobody') return state.outside.chosenMode ?? unchosen
  return owner.tests.every(({ mode }) => mode === 'live') ? 'live' : 'mailbox'
}

function callable({ registry, codec, emit, middleware, publish, tell, transaction }: BusParts) {
  return { registry, codec, emit, middleware, publish, tell, transaction }
}

interface Recording {
  readonly strict: boolean
  readonly publish: Cut
}

function recordingBackend(bus: BusParts, test: TestBus, { strict, publish }: Recording): Backend {
  const publishedAt = stackAbove(publish)
  return createMailboxBackend({
    codec: bus.codec,
    ids: test.idsOf(bus),
    keep(event) {
      if (test === state.outside) return // a fixture of the whole file: no test has published it
      if (!test.ended) return test.record({ event, bus, strict, publishedAt })
      if (strict) throw testEnded(event.type, test)
      state.late.push({ type: event.type, test: test.name })
    },
    keepBroadcast: (event) => test.broadcasts.push(event),
  })
}

function refusing(reason: () => PostbusError): Backend {
  return {
    publish: async () => {
      throw reason()
    },
    broadcast: async () => {
      throw reason()
    },
    hear: async () => async () => undefined,
    check: async () => undefined,
    close: async () => undefined,
  }
}

function testEnded(type: string, test: TestBus): PostbusError {
  return new PostbusError(
    'POSTBUS_TEST_ENDED',
    `${type} was published by code that the test "${test.name}" started in strict mode, but that test has ended, so it can ` +
      'no longer be asserted. Await that code in the test. If it serves several tests, bind it to the one it is working ' +
      'for: allowEventBus(target).',
  )
}
