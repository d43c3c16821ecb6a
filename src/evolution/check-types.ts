/**
 * Compares this code with a snapshot of production, to find changes that stored events, waiting deliveries or older workers would not
 * survive.
 */
import { missingUpcast } from '../events/upcasts.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import type { Registry } from '../handlers/registry.ts'
import { storedName } from '../names.ts'
import { checkHandlers } from './check-handlers.ts'
import { breaks, fits, type TypesFinding } from './finding.ts'
import { schemaChanges, type SchemaChange } from './schema-changes.ts'
import { snapshotOf, type EventTypeSnapshot, type TypesSnapshot } from './snapshot.ts'

export interface TypesReport {
  readonly findings: readonly TypesFinding[]
  /** `true`: this code would write a different snapshot. */
  readonly isOutdated: boolean
}

export function checkTypes(before: TypesSnapshot, registry: Registry): TypesReport {
  const now = snapshotOf(registry)
  const known = new Set(before.eventTypes.flatMap((one) => [one.name, ...one.previousNames]))
  const fresh = now.eventTypes.filter((one) => ![one.name, ...one.previousNames].some((name) => known.has(name)))
  return {
    findings: [
      ...byType(before).flatMap((versions) => ofType(versions, registry, now)),
      ...fresh.map((one) => fits(labelOf(one), 'is new')),
      ...checkHandlers(before, registry),
    ],
    isOutdated: JSON.stringify(before) !== JSON.stringify(now),
  }
}

/** Groups the versions of each event type, oldest first. */
function byType({ eventTypes }: TypesSnapshot): readonly (readonly EventTypeSnapshot[])[] {
  return Object.values(Object.groupBy(eventTypes, ({ name }) => name)).map((versions = []) =>
    versions.toSorted((one, other) => one.version - other.version),
  )
}

function ofType(
  versions: readonly EventTypeSnapshot[],
  registry: Registry,
  now: TypesSnapshot,
): readonly TypesFinding[] {
  const newest = versions.at(-1)
  if (!newest) return []
  const stored = storedName(newest.name, newest.previousNames)
  const name = registry.names.eventTypes.shown(stored)
  const present = registry.eventTypes.filter(({ type }) => type === name)
  const [one] = present
  if (!one) {
    const mend = `Go on defining it (createBus({ events }) keeps what only patterns hear); if it was renamed, give the new one previousNames: ['${newest.name}']`
    return [breaks(newest.name, 'is gone: stored events of it could not be read', mend)]
  }
  return [
    ...ofName(newest, one),
    ...ofVersions(versions, present),
    ...versions.flatMap((version) => ofSchema(version, name, now)),
  ]
}

function ofName(before: EventTypeSnapshot, { type, previousNames }: AnyEventType): readonly TypesFinding[] {
  const wasStored = storedName(before.name, before.previousNames)
  const isStored = storedName(type, previousNames)
  if (wasStored !== isStored) {
    const mend = `Put '${wasStored}' first in its previousNames`
    return [
      breaks(
        type,
        `was stored as "${wasStored}", and is stored as "${isStored}" now: older workers would not know it`,
        mend,
      ),
    ]
  }
  return before.name === type ? [] : [fits(type, `was named "${before.name}"`)]
}

function ofVersions(versions: readonly EventTypeSnapshot[], present: readonly AnyEventType[]): readonly TypesFinding[] {
  const newest = present.toSorted((one, other) => other.version - one.version)[0]
  const highest = versions.at(-1)
  if (!newest || !highest) return []
  if (newest.version < highest.version) {
    const mend = `Raise it above ${highest.version}, with upcasts`
    const what = `had version ${highest.version}, and has ${newest.version} at most now: stored events of it would wait for newer code`
    return [breaks(newest.type, what, mend)]
  }
  const stored = new Set(versions.flatMap(({ version, upcasts }) => [version, ...upcasts]))
  return [...stored]
    .toSorted((one, other) => one - other)
    .filter((version) => !present.some((one) => one.version === version))
    .flatMap((version) => {
      const missing = missingUpcast(newest, version)
      if (missing === null) return []
      const mend = `Add it: upcasts: { ${missing}: (v${missing}) => … }. If no event of version ${version} is stored any more, take a new snapshot`
      const what = `version ${version} can no longer be read: there is no upcast from version ${missing} to ${missing + 1}`
      return [breaks(`${newest.type} version ${newest.version}`, what, mend)]
    })
}

/** Compares the schemas of a version that this code still defines. */
function ofSchema(before: EventTypeSnapshot, name: string, now: TypesSnapshot): readonly TypesFinding[] {
  const present = now.eventTypes.find((one) => one.name === name && one.version === before.version)
  if (!present) return []
  const label = labelOf(present)
  if (before.schema === null || present.schema === null) {
    return [fits(label, 'has no JSON Schema, so its data is not compared: its schema library offers none')]
  }
  return schemaChanges(before.schema, present.schema).map((change) => ofChange(label, before.version, change))
}

function ofChange(label: string, version: number, { breaks: isBreaking, at, what }: SchemaChange): TypesFinding {
  const sentence = at === '' ? `its data ${what}` : `${at} ${what}`
  if (!isBreaking) return fits(label, sentence)
  const optional = what.startsWith('is new and required') ? ', or make it optional' : ''
  return breaks(
    label,
    sentence,
    `Raise the version to ${version + 1}, with an upcast: upcasts: { ${version}: (v${version}) => … }${optional}`,
  )
}

function labelOf({ name, version }: EventTypeSnapshot): string {
  return `${name} version ${version}`
}
