/** The entries of the package, from the exports of package.json: the name that users import, and the source file of each. */
import { textOf } from './published.ts'

export interface Entry {
  /** The name in an import: `postbus/testing`. */
  readonly name: string
  /** `src/testing/index.ts` */
  readonly source: string
}

export function entries(): readonly Entry[] {
  const { exports } = JSON.parse(textOf('package.json')) as { exports: Record<string, string | { default: string }> }
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            name: `postbus${path.slice(1)}`,
            source: target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'),
          },
        ],
  )
}

/** The path on the site at which the pages of an entry begin. */
export function placeOfEntry({ name }: Entry): string {
  return `/api/${name.replaceAll('/', '-')}/`
}
