/** The benchmark measures its entries in turns: one after the other, or slice by slice, and always in databases that are dropped at the end. */
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BenchServer } from '../../bench/databases.ts'
import type { Entry } from '../../bench/question.ts'
import { runInTurns } from '../../bench/rounds.ts'
import { createDatabase } from '../support/database.ts'

let log: string[]
let databases: number
let server: BenchServer

beforeEach(() => {
  log = []
  databases = 0
  server = { which: 'that of the tests', create: counted, stop: async () => {} }
})

afterEach(() => {
  expect(databases).toBe(0)
})

test('each round starts with another entry', async () => {
  const found = await runInTurns(server, [whole('A'), whole('B')], 2)

  expect(log).toEqual(['A', 'B', 'B', 'A'])
  expect(found).toMatchObject([
    { contestant: 'A', rounds: [{ n: 0 }, { n: 3 }] },
    { contestant: 'B', rounds: [{ n: 1 }, { n: 2 }] },
  ])
})

test('entries that yield go on slice by slice, each in a database of its own, until all have ended', async () => {
  const found = await runInTurns(server, [sliced('A', 2), sliced('B', 3)], 1)

  expect(log).toEqual(['A 1', 'B 1', 'A 2', 'B 2', 'B 3'])
  expect(found.map(({ rounds }) => rounds.length)).toEqual([1, 1])
  const [ofA, ofB] = found.map(({ rounds }) => rounds[0]?.['database'])
  expect(ofA).not.toBe(ofB)
})

test('if a slice fails, the other entries end too', async () => {
  const running = runInTurns(server, [sliced('A', 3), failing('B'), sliced('C', 3)], 1)

  await expect(running).rejects.toThrow('out of order')
  expect(log).toEqual(['A 1', 'B', 'C 1', 'A 2', 'A ends', 'C ends'])
})

async function counted() {
  const { connectionString, drop } = await createDatabase()
  databases += 1
  const name = new URL(connectionString).pathname.slice(1)
  return { name, connectionString, drop: () => drop().then(() => void (databases -= 1)) }
}

function entry(contestant: string, measure: Entry['measure']): Entry {
  return { contestant, configuration: '', state: 'empty', statistics: 'as prepared', prepare: async () => {}, measure }
}

function whole(name: string): Entry {
  return entry(name, async () => ({ n: log.push(name) - 1 }))
}

function sliced(name: string, slices: number): Entry {
  return entry(name, async function* ({ connectionString }) {
    let place = 1
    try {
      const database = await nameOf(connectionString)
      for (; place <= slices; place += 1) {
        log.push(`${name} ${place}`)
        if (place < slices) yield
      }
      return { database }
    } finally {
      if (place <= slices) log.push(`${name} ends`)
    }
  })
}

function failing(name: string): Entry {
  return entry(name, async function* () {
    log.push(name)
    yield
    throw new Error('out of order')
  })
}

async function nameOf(connectionString: string): Promise<string> {
  const client = new Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ name: string }>('select current_database() as name')
  await client.end()
  return rows[0]?.name ?? ''
}
