/** A request that fails at any of twenty steps leaves both its row and its event, or neither. */
import 'reflect-metadata'
import type { INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { until } from '../../support/until.ts'
import { FailingService } from './failing-service.ts'

let opened: TestBus
let app: INestApplication
let url: string

beforeAll(async () => {
  opened = await openTestBus()
  await opened.database.query(`
    create table orders (id text primary key, amount numeric not null);
    create table limits (id text primary key);
    create table bookings (id text primary key);
    create table due (id text unique deferrable initially deferred);`)
  app = await NestFactory.create(FailingService.with(opened.connectionString), { logger: false })
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
  return async () => {
    await app.close()
    await opened.close()
  }
})

const LOST = [
  'before the transaction',
  'after begin',
  'a statement that takes too long',
  'after the row',
  'a connection lost before publish',
  'an event that is refused',
  'in a hook before publish',
  'in a filter',
  'in a handler inside publish',
  'after a handler inside publish has written',
  'after a handler inside publish has published',
  'in a hook after publish',
  'after publish',
  'a constraint',
  'after a second publish',
  'a deferred constraint',
  'a connection lost before commit',
  'before commit',
] as const
const KEPT = ['a savepoint', 'after the commit', 'nowhere'] as const

test.each(LOST)('failing %s leaves neither the row nor an event', async (step) => {
  expect(await place(step)).toBe(500)

  expect(await storedOf(step)).toEqual({ orders: 0, limits: 0, events: [] })
})

test.each(KEPT)('failing %s leaves both the row and its event', async (step) => {
  expect(await place(step)).toBe(step === 'after the commit' ? 500 : 201)

  const second = step === 'a savepoint' ? [] : ['orders.order-priced']
  const events = ['limits.limit-touched', 'orders.order-placed', ...second]
  expect(await storedOf(step)).toEqual({ orders: 1, limits: 1, events })
})

afterAll(async () => {
  // Every attempt wrote, and the first attempt of each order failed.
  await until('every order is booked, once', async () => {
    const { rows } = await opened.database.query<{ id: string }>('select id from bookings order by id')
    return rows.map(({ id }) => id).join() === KEPT.toSorted().join()
  })
})

async function place(step: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-fails': step }
  const body = JSON.stringify({ id: step, amount: 1 })
  return (await fetch(`${url}/orders`, { method: 'POST', headers, body })).status
}

async function storedOf(id: string) {
  const { rows } = await opened.database.query<{ orders: number; limits: number; events: string[] }>(
    `select (select count(*)::integer from orders where id = $1) as orders,
      (select count(*)::integer from limits where id = $1) as limits,
      array(select type from postbus.event where payload::text like '%"' || $1 || '"%' order by type) as events`,
    [id],
  )
  return rows[0]
}
