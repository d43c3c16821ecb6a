/** `postbus asyncapi`: the event types, and who publishes and handles them, as an AsyncAPI document. Reads the code, not the database. */
import { asyncApiOf } from '../catalog/async-api.ts'
import { catalogOf } from '../catalog/catalog.ts'
import { CONFIG_OPTION, DESCRIBE_CONFIG, text, type Command } from './command.ts'
import { loadBus } from './load-config.ts'

export const asyncapi: Command = {
  summary: 'Print the event types, and who publishes and handles them, as an AsyncAPI 3.1 document.',
  examples: [
    ['postbus asyncapi > asyncapi.json', 'for AsyncAPI Studio, code generators, a catalog of your company'],
    ['postbus asyncapi --title Shop --api-version 4.2.0', 'with its own title and version'],
  ],
  options: { ...CONFIG_OPTION, title: { type: 'string' }, 'api-version': { type: 'string' } },
  describe: {
    config: DESCRIBE_CONFIG,
    title: 'The title of the document. Default: Events.',
    'api-version': 'The version of what it describes. Default: 0.0.0.',
  },

  async run(invocation) {
    const title = text(invocation, 'title') ?? 'Events'
    const version = text(invocation, 'api-version') ?? '0.0.0'
    const bus = await loadBus(text(invocation, 'config'))
    try {
      const document = asyncApiOf(await catalogOf(bus), { title, version })
      invocation.terminal.out.write(`${JSON.stringify(document, null, 2)}\n`)
      return 0
    } finally {
      await bus.close()
    }
  },
}
