/**
 * Runs the entries of a case in turns: A B C, B C A, … A machine that others use too is faster at one moment than at the
 * next; in turns, all entries get the same of both, and none is always the one that comes after the heaviest.
 */
import { once, type BenchServer, type OwnDatabase } from './databases.ts'
import type { Case, Entry, Figures } from './question.ts'

export interface EntryRounds {
  readonly contestant: string
  readonly configuration: string
  readonly rounds: readonly Figures[]
}

export async function runInTurns(server: BenchServer, entries: Case['entries'], rounds: number) {
  const prepared: { entry: Entry; template: OwnDatabase; figures: Figures[] }[] = []
  try {
    for (const entry of entries) prepared.push({ entry, template: await prepare(server, entry), figures: [] })
    for (let round = 0; round < rounds; round += 1) {
      const first = round % prepared.length
      for (const { entry, template, figures } of [...prepared.slice(first), ...prepared.slice(0, first)]) {
        // The last use of a prepared database needs no copy.
        figures.push(round === rounds - 1 ? await entry.measure(template) : await onCopy(server, template, entry))
      }
    }
  } finally {
    for (const { template } of prepared) await template.drop()
  }
  return prepared.map(({ entry, figures }): EntryRounds => {
    return { contestant: entry.contestant, configuration: entry.configuration, rounds: figures }
  })
}

async function prepare(server: BenchServer, entry: Entry): Promise<OwnDatabase> {
  const database = await server.create()
  await entry.prepare(database)
  // Everyone plans with statistics of what is there: what happens without them is a question of its own.
  await once(database.connectionString, 'vacuum analyze')
  return database
}

async function onCopy(server: BenchServer, template: OwnDatabase, entry: Entry): Promise<Figures> {
  const copy = await server.create(template)
  try {
    return await entry.measure(copy)
  } finally {
    await copy.drop()
  }
}
