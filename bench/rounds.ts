/**
 * Runs the entries of a case in turns: A B C, B C A, … A shared machine is faster at one moment and slower at the next. In
 * turns, fast and slow moments are spread over all entries, and no entry always runs right after the heaviest one.
 */
import { once, type BenchServer, type OwnDatabase } from './databases.ts'
import type { Case, Entry, Figures } from './question.ts'

export interface EntryRounds {
  readonly contestant: string
  readonly configuration: string
  readonly rounds: readonly Figures[]
}

export async function runInTurns(server: BenchServer, entries: Case['entries'], rounds: number) {
  const states = new Map<string, OwnDatabase>()
  const found = entries.map((entry) => ({ entry, figures: new Array<Figures>() }))
  try {
    for (const entry of entries) {
      if (!states.has(entry.state)) states.set(entry.state, await prepare(server, entry))
    }
    for (let round = 0; round < rounds; round += 1) {
      const first = round % found.length
      for (const { entry, figures } of [...found.slice(first), ...found.slice(0, first)]) {
        figures.push(await onCopy(server, states.get(entry.state), entry))
      }
    }
  } finally {
    for (const database of states.values()) await database.drop()
  }
  return found.map(({ entry: { contestant, configuration }, figures }): EntryRounds => {
    return { contestant, configuration, rounds: figures }
  })
}

async function prepare(server: BenchServer, entry: Entry): Promise<OwnDatabase> {
  const database = await server.create()
  await entry.prepare(database)
  if (entry.statistics !== 'as prepared') await once(database.connectionString, 'vacuum analyze')
  return database
}

async function onCopy(server: BenchServer, state: OwnDatabase | undefined, entry: Entry): Promise<Figures> {
  const copy = await server.create(state)
  try {
    return await entry.measure(copy)
  } finally {
    await copy.drop()
  }
}
