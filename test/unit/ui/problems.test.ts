/** The operator page when something is wrong: no database, another backend, and return addresses of other sites. */
import { expect, test } from 'vitest'
import { createBus } from '../../../src/index.ts'
import { operatorPage, type AccessAnswer } from '../../../src/ui/index.ts'
import { wayBack } from '../../../src/ui/link.ts'
import { visitorOf } from '../../support/operator-page.ts'

const NOWHERE = 'postgres://user:secret@127.0.0.1:1/nowhere'

function visitor(answer: AccessAnswer, options: Parameters<typeof createBus>[0]) {
  const bus = createBus({ onSignal: () => undefined, handlers: [], ...options })
  return visitorOf(operatorPage(bus, { access: () => answer }))
}

test('the page reports a database that cannot be reached, without its password', async () => {
  const { status, text } = await visitor('all', { connectionString: NOWHERE }).get('/events')

  expect(status).toBe(503)
  expect(text).toContain('POSTBUS_DATABASE_UNREACHABLE')
  expect(text).not.toContain('secret')
})

test('for a bus without a database the page reports that it needs one', async () => {
  const { status, text } = await visitor('all', { backend: 'inline' }).get('/events')

  expect(status).toBe(409)
  expect(text).toContain('POSTBUS_NO_DATABASE')
})

test.each([
  ['/events?type=a', '/ops/events?type=a'],
  ['/lanes/show?handler=a&key=b%20c', '/ops/lanes/show?handler=a&key=b%20c'],
  [null, '/ops/'],
  ['', '/ops/'],
  ['events', '/ops/'],
  ['//evil.example', '/ops/'],
  ['/\\evil.example', '/ops/'],
  ['https://evil.example', '/ops/'],
  ['javascript:alert(1)', '/ops/'],
  ['/..//evil.example', '/ops/'],
  ['/a\nb', '/ops/'],
  ['/ä', '/ops/'],
])('the return address %j becomes %j', (given, way) => {
  expect(wayBack({ base: '/ops' }, given)).toBe(way)
})
