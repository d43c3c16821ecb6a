/** Handlers in Nest providers, and the mistakes that stop an application from starting. */
import '../../src/testing/vitest.ts'
import 'reflect-metadata'
import { Injectable, Scope, type Provider } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { describe, expect, test, vi } from 'vitest'
import type { AnyHandler, Bus, EventOf } from '../../src/index.ts'
import { EventBatchHandler, EventHandler, InjectBus, POSTBUS, PostbusModule } from '../../src/nest/index.ts'
import { assertEventPublished, setEventBusMode } from '../../src/testing/index.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'

type Note = EventOf<typeof NoteTaken>

@Injectable()
class Words {
  readonly written: string[] = []
}

@Injectable()
class Notes {
  readonly words: Words
  readonly bus: Bus

  constructor(words: Words, @InjectBus() bus: Bus) {
    this.words = words
    this.bus = bus
  }

  @EventHandler(NoteTaken, { name: 'notes.write', interested: ({ data }) => data.n < 10 })
  write(event: Note) {
    this.words.written.push(`${event.data.n}`)
  }

  @EventBatchHandler(NoteTaken, { name: 'notes.write-many', batchSize: 10 })
  writeMany(events: readonly Note[]) {
    this.words.written.push(events.map(({ data }) => data.n).join('+'))
  }
}

@Injectable()
@EventHandler(NoteTaken, { name: 'notes.copy' })
class Copying {
  readonly words: Words

  constructor(words: Words) {
    this.words = words
  }

  handle({ data }: Note) {
    this.words.written.push(`copy of ${data.n}`)
  }
}

describe('handlers of providers', () => {
  test('are called on the provider, with injected dependencies, also for a class that is one handler', async () => {
    setEventBusMode('inline')
    const app = await started([Words, Notes, Copying])

    await app.get(Notes).bus.publish(NoteTaken({ n: 1 }))

    expect(app.get(Words).written).toEqual(['1', '1', 'copy of 1'])
  })

  test('have the options of any handler, and join the handlers that the module is given', async () => {
    setEventBusMode('inline')
    const app = await started([Words, Notes], [handlerThat(() => undefined, { name: 'notes.plain' })])

    const explained = await app.get<Bus>(POSTBUS).explain(NoteTaken({ n: 11 }))

    expect(explained.map(({ handler, interested }) => [handler, interested])).toEqual([
      ['notes.plain', true],
      ['notes.write', false],
      ['notes.write-many', true],
    ])
  })

  test('are found once, also when a provider has two tokens, and in subclasses', async () => {
    setEventBusMode('inline')
    @Injectable()
    class Louder extends Copying {
      override handle({ data }: Note) {
        this.words.written.push(`COPY OF ${data.n}`)
      }
    }
    const app = await started([Words, Louder, { provide: 'another name', useExisting: Louder }])

    await app.get<Bus>(POSTBUS).publish(NoteTaken({ n: 1 }))

    expect(app.get(Words).written).toEqual(['COPY OF 1'])
  })

  test('can be spied on', async () => {
    setEventBusMode('inline')
    const app = await started([Words, Notes])
    const write = vi.spyOn(app.get(Notes), 'write')

    await app.get(Notes).bus.publish(NoteTaken({ n: 1 }))

    expect(write).toHaveBeenCalledOnce()
  })

  test('events of a provider can be asserted, in strict mode too', async () => {
    const app = await started([Words, Notes])
    setEventBusMode('strict')

    await app.get(Notes).bus.publish(NoteTaken({ n: 1 }))

    assertEventPublished(NoteTaken, { n: 1 })
    expect(app.get(Words).written).toEqual([])
  })
})

describe('an application does not start', () => {
  test('with two handlers of one name, and the error says where both are', async () => {
    @Injectable()
    class Twice {
      @EventHandler(NoteTaken, { name: 'notes.twice' })
      one() {}

      @EventHandler(NoteTaken, { name: 'notes.twice' })
      other() {}
    }

    await expect(started([Twice])).rejects.toMatchObject({
      code: 'POSTBUS_DUPLICATE_HANDLER',
      message: expect.stringMatching(/nest\.test\.ts:\d+[^]*nest\.test\.ts:\d+/) as unknown,
    })
  })

  test('with a handler in a provider that Nest makes for each request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @EventHandler(NoteTaken, { name: 'notes.per-request' })
      handle() {}
    }

    await expect(started([PerRequest])).rejects.toThrow(/PerRequest has event handlers.*for each request/)
  })

  test('with an invalid option of a handler', async () => {
    @Injectable()
    class Hasty {
      @EventHandler(NoteTaken, { name: 'notes.hasty', maxAttempts: 0 })
      handle() {}
    }

    await expect(started([Hasty])).rejects.toMatchObject({ code: 'POSTBUS_INVALID_HANDLER' })
  })

  test.each([
    [
      'a name',
      () => EventHandler(NoteTaken, {} as { name: string }),
      "expected a `name`, as in { name: 'stock.reserve' }",
    ],
    ['a method', () => EventHandler(NoteTaken, { name: 'notes.none' })(class {} as never), 'expected a method'],
  ])('without %s', (_, decorate, problem) => {
    expect(decorate).toThrow(problem)
  })
})

async function started(providers: Provider[], handlers: AnyHandler[] = []) {
  const module = await Test.createTestingModule({
    imports: [PostbusModule.forRoot({ connectionString: 'postgres://not.used/at_all', handlers })],
    providers,
  }).compile()
  return module.init()
}
