/** Random damage to the stream, restarts of NATS, and changing workers: each event is handled once, and each key in order. */
import { expect, onTestFinished, test } from 'vitest'
import { createBus, defineHandler } from '../../src/index.ts'
import { jetStream } from '../../src/jetstream/index.ts'
import { seeded } from '../faults/kills-under-load.ts'
import { openTestBus } from '../support/bus.ts'
import { openNatsServer } from '../support/nats-server.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const STEPS = 40
const KEYS = 7
const STREAM = 'random'

test('after random damage to the stream, each event was handled once, and each key in order', async () => {
  const seed = Date.now() % 1_000_000
  const random = seeded(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const server = await openNatsServer()
  onTestFinished(() => server.remove())
  const nats = await server.connect()
  onTestFinished(() => nats.connection.close())
  const { streams, consumers } = nats.manager

  const seen: { readonly key: string; readonly n: number }[] = []
  const handlers = ['notes.index', 'notes.archive'].map((name, place) =>
    defineHandler(name, {
      on: NoteTaken,
      delivery: 'log',
      shards: place === 0 ? 4 : 3,
      handle: ({ data }) => void seen.push({ key: `${name} ${data.key}`, n: data.n }),
    }),
  )
  const engine = () => jetStream({ servers: server.servers, stream: STREAM, partitions: 8 })
  const opened = await openTestBus({ events: [NoteTaken], handlers, engine: engine() })
  onTestFinished(() => opened.close())
  const started = async () => {
    const bus = createBus({
      connectionString: opened.connectionString,
      handlers,
      engine: engine(),
      onSignal: () => undefined,
    })
    const worker = bus.worker()
    await worker.start()
    return async () => {
      await worker.stop()
      await bus.close()
    }
  }
  const workers = [await started(), await started()]
  onTestFinished(async () => void (await Promise.all(workers.map((stop) => stop()))))

  let published = 0
  const publish = async (count: number) => {
    const notes = Array.from({ length: count }, () => NoteTaken({ n: (published += 1), key: `key ${below(KEYS)}` }))
    if (notes.length > 0) await opened.bus.publish(notes)
  }
  const state = async () => (await streams.info(STREAM).catch(() => null))?.state ?? null
  const consumersOf = async (stream: string) => {
    const found: string[] = []
    for await (const { name } of consumers.list(stream)) found.push(name)
    return found
  }
  const acts: Readonly<Record<string, () => Promise<unknown>>> = {
    'delete messages': async () => {
      const now = await state()
      for (let count = now ? below(5) : 0; count > 0; count -= 1) {
        const sequence = now!.first_seq + below(now!.last_seq - now!.first_seq + 1)
        await streams.deleteMessage(STREAM, sequence).catch(() => undefined) // it was deleted before
      }
    },
    purge: async () => {
      const now = await state()
      if (now) await streams.purge(STREAM, { keep: below(50) })
    },
    'delete the stream': async () => streams.delete(STREAM).catch(() => undefined),
    'delete the consumers': async () => {
      const names = (await state()) ? await consumersOf(STREAM).catch(() => []) : []
      for (const name of names) await consumers.delete(STREAM, name).catch(() => undefined)
    },
    'write as another program': async () =>
      nats.client.publish(`${STREAM}.log.${below(8)}`, 'hello').catch(() => undefined),
    'exchange a worker': async () => {
      const place = below(workers.length)
      const leaving = workers[place]
      workers[place] = await started()
      await leaving?.()
    },
    'restart the broker': async () => {
      await server.stop(random() < 0.5 ? 'SIGKILL' : 'SIGTERM')
      await publish(below(30))
      await server.start()
    },
    wait: () => new Promise((resolve) => setTimeout(resolve, 500)),
  }
  const names = Object.keys(acts)
  const done: string[] = []
  for (let step = 0; step < STEPS; step += 1) {
    const name = names[below(names.length)] ?? 'wait'
    done.push(name)
    await acts[name]?.()
    await publish(random() < 0.5 ? below(3) : below(150))
  }

  console.log(`random: seed ${seed}, ${published} events: ${done.join(', ')}`)
  await until(`all are handled (seed ${seed})`, () => seen.length >= 2 * published, 60_000)
  expect(seen).toHaveLength(2 * published)
  for (const key of new Set(seen.map((one) => one.key))) {
    const inOrder = seen.filter((one) => one.key === key).map(({ n }) => n)
    expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other))
  }
}, 240_000)
