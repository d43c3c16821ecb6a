/** The names of everything we touch in the database, quoted once, after the schemas' names were checked. */
import type { SchemaNames } from '../../../../migrations/schema-names.ts'
import { PostbusError } from '../../../errors.ts'
import { SCHEMA_NAME } from '../../../names.ts'

export interface Tables {
  readonly names: SchemaNames
  readonly event: string
  readonly deadLetter: string
  readonly worker: string
  readonly laneSweep: string
  readonly pruning: string
  readonly migration: string
  readonly job: string
  readonly queue: string
  readonly pgbossVersion: string
  /** pg-boss's clock: the database's time, or the time a test has set. */
  readonly jobNow: string
  readonly publish: string
  readonly prune: string
  readonly seqOfDelivery: string
  /** The channel on which publishers wake workers. */
  readonly channel: string
}

export function tablesIn(names: SchemaNames): Tables {
  for (const name of [names.postbus, names.pgboss]) {
    if (SCHEMA_NAME.test(name)) continue
    const expected = `expected ${SCHEMA_NAME.source}`
    throw new PostbusError(
      'POSTBUS_INVALID_OPTIONS',
      `Schema name ${JSON.stringify(name)} is not allowed: ${expected}.`,
    )
  }
  return Object.freeze({
    names,
    event: `"${names.postbus}".event`,
    deadLetter: `"${names.postbus}".dead_letter`,
    laneSweep: `"${names.postbus}".lane_sweep`,
    pruning: `"${names.postbus}".pruning`,
    worker: `"${names.postbus}".worker`,
    migration: `"${names.postbus}".migration`,
    job: `"${names.pgboss}".job`,
    queue: `"${names.pgboss}".queue`,
    pgbossVersion: `"${names.pgboss}".version`,
    jobNow: `"${names.pgboss}".job_now()`,
    publish: `"${names.postbus}".publish`,
    prune: `"${names.postbus}".prune`,
    seqOfDelivery: `"${names.postbus}".seq_of_delivery`,
    channel: `postbus_${names.postbus}`,
  })
}
