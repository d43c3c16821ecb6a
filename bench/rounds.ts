/**
 * Runs the entries of a case in turns: A B C, B C A, … A shared machine is faster at one moment and slower at the next. In
 * turns, fast and slow moments are spread over all entries, and no entry always runs right after the heaviest one. Entries that are
 * measured in slices take turns within a round too.
 */
import { once, type BenchServer, type OwnDatabase } from './databases.ts'
import type { Case, Entry, Figures } from './question.ts'
import { slicesOf, type Slices } from './slices.ts'

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
      const inTurn = [...found.slice(first), ...found.slice(0, first)]
      await toTheEnd(
        inTurn.map(({ entry, figures }) => ({ slices: onCopy(server, states.get(entry.state), entry), figures })),
      )
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

interface Measurement {
  readonly slices: Slices<Figures>
  readonly figures: Figures[]
}

/** Runs measurements in turns: each goes on to its next slice, or to its end if it has none. */
async function toTheEnd(measurements: readonly Measurement[]): Promise<void> {
  let unended = measurements
  try {
    while (unended.length > 0) {
      const goOn = new Array<Measurement>()
      for (const one of unended) {
        const next = await one.slices.next()
        if (next.done) one.figures.push(next.value)
        else goOn.push(one)
      }
      unended = goOn
    }
  } finally {
    for (const { slices } of unended) await slices.return({}) // after an error: the others end too, and drop their databases
  }
}

async function* onCopy(server: BenchServer, state: OwnDatabase | undefined, entry: Entry): Slices<Figures> {
  const copy = await server.create(state)
  try {
    return yield* slicesOf(entry.measure(copy))
  } finally {
    await copy.drop()
  }
}
