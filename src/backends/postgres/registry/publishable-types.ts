/** Reads what SQL may publish, for people and programs. */
import type { PublishableType, PublishableTypes } from '../../../deliveries/publishable-types.ts'
import { FINISHER_PREFIX } from '../../../handlers/finishers.ts'
import { operating, type OperatorParts } from '../operating/operating.ts'

export function publishableTypesIn({
  connection,
  tables,
  registry,
}: OperatorParts): PublishableTypes['publishableTypes'] {
  const { look } = operating(connection, tables)
  return async () => {
    const { names } = await registry.load()
    const rows = await look(async (database) => {
      const found = await database.query<PublishableType>(
        `select one.type, one.version, bool_or(one.is_keyed) as "needsKey", array_agg(distinct one.service) as services,
          array(select distinct listening.handler from ${tables.subscription} listening
            where listening.type = one.type and listening.version = one.version order by 1) as handlers
        from ${tables.registeredType} one group by one.type, one.version order by one.type, one.version`,
      )
      return found.rows
    })
    return rows.map((row) => ({
      ...row,
      type: names.eventTypes.shown(row.type),
      handlers: row.handlers
        .filter((name) => !name.startsWith(FINISHER_PREFIX))
        .map((name) => names.handlers.shown(name)),
    }))
  }
}
