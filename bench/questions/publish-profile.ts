/** Measures where the time of a publishing transaction goes: the time of each statement, as its client sees it. */
import type { Client } from 'pg'
import { orderOf } from '../order.ts'
import { publishingEntry } from '../publishers/entry.ts'
import { graphileWorker } from '../publishers/graphile-worker.ts'
import { postbus } from '../publishers/postbus.ts'
import { stepsOf, type OpenPublisher } from '../publishers/publisher.ts'
import { rawSql } from '../publishers/raw-sql.ts'
import type { Case, Extent, Figures, Question } from '../question.ts'
import type { Slices } from '../slices.ts'
import { StepTimes } from '../step-times.ts'

const RECEIVERS = 3
/** The contestants take turns after so many transactions. */
const SLICE = 20
const ROUND_TRIP = { name: 'nothing', text: 'select 1' }

export const publishProfile: Question = {
  name: 'publish-profile',
  asks: 'where does the time of a transaction that publishes go?',
  rounds: 5,
  notes: [
    'The transaction of the question above, over and over on one connection: for each of its statements the median time from the call to the answer.',
    'The contestants take turns after each 20 transactions, each in a database of its own.',
    'A thousand transactions come first and do not count, and then the tables are analyzed, as in the question above.',
    'The round trip is a prepared statement that does nothing, sent between the transactions.',
  ],
  cases: casesOf,
  goals: [],
}

function casesOf({ quick }: Extent): readonly Case[] {
  const [warmUp, transactions] = quick ? [10, 10] : [1_000, 1_000]
  const entries = [postbus, graphileWorker, rawSql].map((publisher) =>
    publishingEntry(publisher, { receivers: RECEIVERS, connections: 1 }, ({ open, clients: [client] }) =>
      timesOf(open, client, { warmUp, transactions }),
    ),
  )
  return [{ name: '1 connection', entries }]
}

interface Run {
  readonly warmUp: number
  readonly transactions: number
}

async function* timesOf(open: OpenPublisher, client: Client | undefined, run: Run): Slices<Figures> {
  if (!client) throw new Error('There is no connection.')
  const times = new StepTimes()
  for (let place = 0; place < run.warmUp + run.transactions; place += 1) {
    if (place === run.warmUp) {
      await client.query('analyze')
      times.clear()
    }
    for (const [name, step] of stepsOf(open, client, orderOf(`order-${place}`, place))) await times.of(name, step)
    await times.of('round trip', () => client.query(ROUND_TRIP))
    if (place % SLICE === SLICE - 1) yield
  }
  return times.medians()
}
