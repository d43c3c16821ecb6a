/** Says in words what a migration does: the same steps in a dry run as in a real one. */
import type { SchemaReport } from './schema-check.ts'

export function stepsFor(report: SchemaReport): readonly string[] {
  const steps: string[] = []
  if (report.pgboss.found === null)
    steps.push(`install pg-boss schema ${report.pgboss.expected} in "${report.pgboss.schema}"`)
  else if (report.pgboss.found < report.pgboss.expected) {
    steps.push(
      `migrate pg-boss schema "${report.pgboss.schema}" from ${report.pgboss.found} to ${report.pgboss.expected}`,
    )
  }
  for (const name of report.postbus.missing) steps.push(`run migration ${name} in "${report.postbus.schema}"`)
  for (const name of report.missingIndexes) steps.push(`build index "${name}"`)
  if (report.areFunctionsOutdated || report.isGuardMissing)
    steps.push(`install the functions of "${report.postbus.schema}"`)
  for (const queue of report.queuesToMove) steps.push(`move queue "${queue}" to the table that queues share`)
  for (const queue of report.missingQueues) steps.push(`create queue "${queue}"`)
  for (const name of report.putOff) steps.push(`do what pg-boss has put off: "${name}"`)
  return steps
}
