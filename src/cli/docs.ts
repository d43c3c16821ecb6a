/** `postbus docs`: draws which module sends events to which other one. Reads the code, not the database. */
import { catalogOf } from '../catalog/catalog.ts'
import { moduleMap } from '../catalog/module-map.ts'
import { CONFIG_OPTION, DESCRIBE_CONFIG, text, type Command } from './command.ts'
import { loadBus } from './load-config.ts'

export const docs: Command = {
  summary: 'Print a drawing of the modules and the events between them, in Mermaid.',
  examples: [['postbus docs > modules.mmd', 'put it into a code block "mermaid" of a page: GitHub draws it']],
  options: CONFIG_OPTION,
  describe: { config: DESCRIBE_CONFIG },

  async run(invocation) {
    const bus = await loadBus(text(invocation, 'config'))
    try {
      invocation.terminal.out.write(moduleMap(await catalogOf(bus)))
      return 0
    } finally {
      await bus.close()
    }
  },
}
