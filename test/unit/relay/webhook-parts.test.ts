/** The parts of webhooks, without a wire: addresses, secrets, endpoints, circuits, waits. */
import { describe, expect, test } from 'vitest'
import { webhookBackoff, webhookTarget, type WebhookEndpoint } from '../../../src/relay/index.ts'
import { EndpointCircuits } from '../../../src/relay/webhooks/endpoint-circuits.ts'
import { addressIn, isPublicAddress, lookupPublic } from '../../../src/relay/webhooks/public-addresses.ts'
import { OLD_SECRET, SECRET } from '../../support/webhook-server.ts'

describe('addresses', () => {
  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2001:db8::1',
    '2002:a00:1::1',
    '2001::1',
    '100::1',
    'localhost',
    '',
    '1.2.3',
  ])('%j is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  test.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:1.1.1.1',
    '64:ff9b::1.1.1.1',
  ])('%j is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.each([
    ['[::1]', '::1'],
    ['10.0.0.1', '10.0.0.1'],
    ['example.com', null],
  ])('the host %j is the address %j', (host, address) => {
    expect(addressIn(host)).toBe(address)
  })

  test.each([[true], [false]])('the lookup of a name with a private address fails (all: %j)', async (all) => {
    const { promise, resolve } = Promise.withResolvers<Error | null>()

    lookupPublic('localhost', { all }, (error) => resolve(error))

    expect(await promise).toMatchObject({ message: expect.stringContaining('localhost has no public address') })
  })
})

describe('endpoints', () => {
  const good: WebhookEndpoint = { url: 'https://example.com/hook/secret-path', secret: SECRET }

  test.each([
    [
      'http',
      { ...good, url: 'http://example.com/secret-path' },
      /begins with http:: give the target `allowHttp: true`/,
    ],
    ['another protocol', { ...good, url: 'file:///etc/secret-path' }, /expected `url` to begin with https:/],
    ['no URL', { ...good, url: '/secret-path' }, /absolute URL/],
    ['no secret', { url: good.url, secret: [] }, /expected a secret/],
    ['another secret', { ...good, secret: 'secret-path' }, /expected `whsec_` and base64/],
    [
      'a short secret',
      { ...good, secret: `whsec_${Buffer.alloc(23).toString('base64')}` },
      /24 to 64 bytes.* there are 23/,
    ],
    [
      'a long secret',
      { ...good, secret: `whsec_${Buffer.alloc(65).toString('base64')}` },
      /24 to 64 bytes.* there are 65/,
    ],
    ['one bad secret of two', { ...good, secret: [OLD_SECRET, 'secret-path'] }, /expected `whsec_` and base64/],
    [
      'a header of ours',
      { ...good, headers: { 'Webhook-Id': 'secret-path' } },
      /its header "Webhook-Id" cannot be set/,
    ],
    ['a header that is two', { ...good, headers: { 'x-a': 'secret-path\r\nx-b: 1' } }, /the value of its header "x-a"/],
  ])(
    '%s is refused at once, with an error that shows neither the path nor the secret',
    (_, endpoint: WebhookEndpoint, message) => {
      expect(() => webhookTarget({ endpoint })).toThrowError(
        expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS', message: expect.stringMatching(message) }),
      )
      expect(() => webhookTarget({ endpoint })).not.toThrowError('secret-path')
    },
  )

  test('an unknown option is refused', () => {
    expect(() => webhookTarget({ endpoint: good, timeout: 1 } as never)).toThrowError('Unrecognized key: "timeout"')
  })
})

describe('circuits', () => {
  const OPTIONS = { failures: 3, pauseMs: 100, maxPauseMs: 300 }

  test('after several failures in a row an endpoint gets no messages, and is then probed by one message', () => {
    const { circuits, fail, later } = circuitsAt(0)

    expect([fail(), fail(), fail()]).toEqual(['counted', 'counted', 'opened'])
    expect(circuits.enter('a')).toEqual({ is: 'wait', waitMs: 100 })
    expect(circuits.enter('b').is).toBe('free')
    later(100)
    expect([circuits.enter('a').is, circuits.enter('a').is]).toEqual(['probe', 'wait'])
    circuits.passed('a')
    expect(circuits.enter('a').is).toBe('free')
    expect([fail(), fail()]).toEqual(['counted', 'counted'])
  })

  test('messages in flight when the circuit opens are put off, and do not lengthen the pause', () => {
    const { circuits, fail } = circuitsAt(0)
    const sent = Array.from({ length: 6 }, () => circuits.enter('a'))

    const failures = sent.map((entry) => circuits.failed('a', entry).is)

    expect(failures).toEqual(['counted', 'counted', 'opened', 'put-off', 'put-off', 'put-off'])
    expect(circuits.enter('a').waitMs).toBe(100)
    expect(fail()).toBe('put-off')
  })

  test('each failed probe is an attempt, and doubles the pause up to the maximum', () => {
    const { circuits, fail, later } = circuitsAt(0)
    for (let n = 0; n < 3; n += 1) fail()

    const pauses = Array.from({ length: 3 }, () => {
      later(circuits.enter('a').waitMs)
      const probe = circuits.enter('a')
      return [probe.is, circuits.failed('a', probe).is, circuits.enter('a').waitMs]
    })

    expect(pauses).toEqual([
      ['probe', 'counted', 200],
      ['probe', 'counted', 300],
      ['probe', 'counted', 300],
    ])
  })

  test('a new probe follows one that never ends', () => {
    const { circuits, fail, later } = circuitsAt(0)
    for (let n = 0; n < 3; n += 1) fail()
    later(100)

    expect(circuits.enter('a').is).toBe('probe')
    later(100)
    expect(circuits.enter('a').is).toBe('probe')
  })

  test('a message that succeeds in between restarts the count', () => {
    const { circuits, fail } = circuitsAt(0)

    fail()
    fail()
    circuits.passed('a')

    expect(fail()).toBe('counted')
  })

  test('at most 10,000 endpoints are remembered', () => {
    const { circuits, fail } = circuitsAt(0)
    for (let n = 0; n < 3; n += 1) fail()

    for (let n = 0; n < 10_000; n += 1) circuits.failed(`other ${n}`, { is: 'free', waitMs: 0 })

    expect(circuits.enter('a').is).toBe('free')
  })

  function circuitsAt(startMs: number) {
    let nowMs = startMs
    const circuits = new EndpointCircuits(OPTIONS, () => nowMs)
    return {
      circuits,
      fail: () => circuits.failed('a', circuits.enter('a')).is,
      later: (ms: number) => void (nowMs += ms),
    }
  }
})

test('the waits between ten attempts take three days, as Standard Webhooks recommends', () => {
  const waits = Array.from({ length: 9 }, (_, n) => webhookBackoff(n + 1))

  expect(waits[0]).toBeGreaterThanOrEqual(4_500)
  expect(waits[0]).toBeLessThanOrEqual(5_500)
  expect(waits.reduce((sum, wait) => sum + wait, 0) / 86_400_000).toBeCloseTo(3.15, 0)
  expect(webhookBackoff(100)).toBeGreaterThan(77_000_000)
})
