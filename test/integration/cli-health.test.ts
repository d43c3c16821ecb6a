/** `postbus worker --http` and `postbus health`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Command, Invocation } from '../../src/cli/command.ts'
import { health } from '../../src/cli/health.ts'
import { serve } from '../../src/cli/serve.ts'
import { worker } from '../../src/cli/worker.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
  return () => opened.close()
})

test('postbus worker --http serves health, postbus health reads it, signals are JSON lines, and nothing else is printed', async () => {
  const working = startWorker(['--http', '0', '--http-host', '127.0.0.1', '--log', 'json'])
  const url = `${await working.url}/readyz`
  await until('the worker is ready', async () => (await fetch(url)).ok)

  const ready = await run(health, { url })
  working.kill()

  expect(ready).toEqual({ code: 0, said: '{"ready":true,"reasons":[]}\n' })
  expect(await working.exited).toBe(0)
  expect(await run(health, { url })).toMatchObject({
    code: 1,
    said: expect.stringContaining('ECONNREFUSED') as string,
  })
  const [place, ...lines] = working.lines
  expect(place).toMatch(/^Health checks: \S+\/readyz\. Metrics: \S+\/metrics\.$/)
  const signals = lines.filter((line) => line.includes('worker.')).map((line) => JSON.parse(line) as object)
  expect(signals[0]).toMatchObject({
    level: 'info',
    signal: 'worker.started',
    workerId: expect.any(String) as string,
  })
  expect(lines.filter((line) => line.includes('Working on'))).toHaveLength(1)
})

test('a port that is in use is refused', async () => {
  const place = { port: 0, host: '127.0.0.1' }
  const first = await serve(async () => new Response('first'), place)
  onTestFinished(() => first.close())

  const second = serve(async () => new Response('second'), { ...place, port: Number(new URL(first.url).port) })

  await expect(second).rejects.toMatchObject({ code: 'POSTBUS_PORT_IN_USE' })
  expect(await (await fetch(first.url)).text()).toBe('first')
})

test.for([
  [worker, { http: 'x' }, '--http x: expected a port'],
  [worker, { 'http-host': 'localhost' }, 'on which port'],
  [worker, { http: '9465', once: true }, 'leave out --once'],
  [worker, { log: 'xml' }, 'expected json or pretty'],
  [health, { url: 'nowhere' }, 'expected a URL'],
] as const)('a mistake: %o with %o', async ([command, options, says]) => {
  await expect(run(command, options)).rejects.toThrow(says)
})

/** Runs a command in this process. */
async function run(command: Command, options: Invocation['options']) {
  const said: string[] = []
  const stream = { write: (text: string) => said.push(text) } as unknown as NodeJS.WriteStream
  const code = await command.run({ options, words: [], terminal: { out: stream, err: stream, in: process.stdin } })
  return { code, said: said.join('') }
}

function startWorker(words: readonly string[]) {
  const config = resolve(import.meta.dirname, '../support/fixtures/cli/postbus.config.ts')
  const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
  const child = spawn(process.execPath, [main, 'worker', ...words, '--config', config], {
    env: { DATABASE_URL: opened.connectionString, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const { promise: url, resolve: found } = Promise.withResolvers<string>()
  createInterface(child.stderr).on('line', (line) => {
    lines.push(line)
    const [, served] = /^Health checks: (\S+)\/readyz\./.exec(line) ?? []
    if (served !== undefined) found(served)
  })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return { url, lines, exited, kill: () => child.kill('SIGTERM') }
}
