import * as fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createCodec } from '../../src/codec/codec.ts'
import { acceptedKinds } from '../support/accepted-kinds.ts'
import { makeFrom, publishableRecipe } from '../support/any-data.ts'
import { createDatabase } from '../support/database.ts'
import { differenceBetween } from '../support/difference.ts'

const codec = createCodec()
let database: Awaited<ReturnType<typeof createDatabase>>
let client: Client

beforeAll(async () => {
  database = await createDatabase()
  client = new Client(database.connectionString)
  await client.connect()
  await client.query('create table event (seq bigint generated always as identity, payload json not null)')
})

afterAll(async () => {
  await client.end()
  await database.drop()
})

describe('data that goes through a json column of Postgres', () => {
  test.each(acceptedKinds)('comes back equal: $name', async ({ make }) => {
    const data = { it: make() }

    const stored = await storedText(codec.encode(data, 'shop.tested'))

    expect(differenceBetween(data, codec.decode(stored))).toBeUndefined()
  })

  test('comes back equal, for any data', async () => {
    const recipes = fc.sample(publishableRecipe, 300)
    const published = recipes.map((recipe) => makeFrom(recipe))

    const stored: string[] = []
    for (const data of published) stored.push(await storedText(codec.encode(data, 'shop.tested')))

    const differences = published.map((data, index) => differenceBetween(data, codec.decode(stored[index] ?? '')))
    expect(differences.filter((difference) => difference !== undefined)).toEqual([])
  })
})

async function storedText(payload: string): Promise<string> {
  const insert = 'insert into event (payload) values ($1) returning payload::text as text'
  const { rows } = await client.query<{ text: string }>(insert, [payload])
  return rows[0]?.text ?? 'nothing stored'
}
