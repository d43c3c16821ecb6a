/** The bus of a handler that runs alone and was given no bus: it knows no handlers and no codecs, and can only record. */
import type { Backend } from '../publishing/backend.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import { createCodec } from '../codec/codec.ts'
import { PostbusError } from '../errors.ts'
import { lazyRegistry } from '../handlers/lazy-registry.ts'
import { NO_HOOKS } from '../middleware/hooks.ts'
import { FilteredCounts } from '../publishing/filtered-counts.ts'
import { publisher } from '../publishing/publisher.ts'

const backend: Backend = {
  publish: async () => {
    throw new PostbusError(
      'POSTBUS_NOT_IN_TEST',
      'The handler published through its context, and nothing records it: there is no test in mailbox or strict mode here. ' +
        'Say which bus it publishes with: runEvent(handler, event, { bus }).',
    )
  },
  broadcast: async () => undefined,
  hear: async () => async () => undefined,
  check: async () => undefined,
  close: async () => undefined,
}

export const standInBus: BusParts = {
  kind: 'none',
  parent: null,
  registry: lazyRegistry([]),
  codec: createCodec(),
  emit: () => undefined,
  source: null,
  defaults: (event) => event,
  ambient: { requireTransaction: false },
  middleware: NO_HOOKS,
  transaction: undefined,
  filtered: new FilteredCounts(),
  backend,
  tell: () => undefined,
  mailbox: [],
  publish: publisher(() => standInBus),
}
