/** Draws the modules of a catalog in Mermaid: which module sends events to which other one. GitHub and many editors show such a drawing. */
import type { Catalog } from './catalog.ts'

/**
 * An arrow goes from the module that publishes to the module that handles, with the names of the events. A thick arrow: the handlers read the
 * log. A dotted arrow: the handlers run inside `publish`.
 */
export function moduleMap({ entries }: Catalog): string {
  const links = entries.flatMap(({ type, module, handlers }) =>
    handlers.map((handler) => ({
      from: module,
      to: handler.module,
      arrow: arrowOf(handler.options),
      label: type.type.slice(module.length + 1) || type.type,
    })),
  )
  const modules = [...new Set([...entries.map(({ module }) => module), ...links.map(({ to }) => to)])].toSorted()
  const idOf = (module: string) => `m${modules.indexOf(module)}` // a name may be a reserved word of Mermaid, such as `end`
  const byArrow = Map.groupBy(links, ({ from, to, arrow }) => `${idOf(from)} ${arrow} ${idOf(to)}`)
  const arrows = [...byArrow.values()].map((same) => {
    const [{ from, to, arrow }] = same as [(typeof links)[number]]
    const labels = [...new Set(same.map(({ label }) => label))].toSorted()
    return `  ${idOf(from)} ${arrow}|"${labels.join('<br>')}"| ${idOf(to)}`
  })
  return ['flowchart LR', ...modules.map((module) => `  ${idOf(module)}["${module}"]`), ...arrows, ''].join('\n')
}

function arrowOf({ delivery, runs }: Catalog['entries'][number]['handlers'][number]['options']): string {
  if (runs === 'in-transaction') return '-.->'
  return delivery === 'log' ? '==>' : '-->'
}
