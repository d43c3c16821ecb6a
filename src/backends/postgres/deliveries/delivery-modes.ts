/**
 * The delivery mode of each handler, cached in the publisher. The database decides the mode (`functions/log-change.ts`). The cache is loaded
 * when `publish` reports that it is out of date. In a database where no handler has ever changed, it is never loaded.
 */
import type { AnyHandler } from '../../../handlers/handler.ts'
import { isLogHandler, type DeliveryMode } from '../../../handlers/log-delivery.ts'
import { storedName } from '../../../names.ts'
import type { DeliveryModes } from '../../../publishing/backend.ts'
import type { SqlExecutor } from '../../../transactions/open-transaction.ts'
import { readTexts } from '../../../transactions/read-texts.ts'
import type { Tables } from '../schema/tables.ts'

export class KnownModes implements DeliveryModes {
  #known: DeliveryModes = byDefinition

  get epoch(): number {
    return this.#known.epoch
  }

  of(handler: AnyHandler): DeliveryMode {
    return this.#known.of(handler)
  }

  /** Loads the modes as this transaction sees them. A transaction with an older snapshot uses what it sees; the cache keeps the newer modes. */
  async learn(executor: SqlExecutor, { logHandler }: Tables): Promise<DeliveryModes> {
    const text = `select pg_catalog.format('%s %s %s', one.epoch, case when one.is_forgotten then '-' else one.mode end, one.handler) as mode from ${logHandler} one`
    const rows = await readTexts(executor, { text, values: [] }, modeIn)
    const modes = new Map(rows.flatMap(({ handler, mode }) => (mode === null ? [] : [[handler, mode] as const])))
    const seen: DeliveryModes = {
      epoch: Math.max(0, ...rows.map(({ epoch }) => epoch)),
      of: (handler) => modes.get(storedName(handler.name, handler.previousNames)) ?? byDefinition.of(handler),
    }
    if (seen.epoch > this.#known.epoch) this.#known = seen
    return seen
  }
}

const byDefinition: DeliveryModes = { epoch: 0, of: (handler) => (isLogHandler(handler) ? 'log' : 'job') }

function modeIn(
  text: string,
): { readonly epoch: number; readonly mode: DeliveryMode | null; readonly handler: string } | undefined {
  const [, epoch, mode, handler] = /^(\d+) (job|held|log|-) (.+)$/s.exec(text) ?? []
  return handler === undefined
    ? undefined
    : { epoch: Number(epoch), mode: mode === '-' ? null : (mode as DeliveryMode), handler }
}
