/** Random lives of a world of lanes: after every step, in any order of steps, the promises must hold. */
import * as fc from 'fast-check'
import type { Ending } from './lane-endings.ts'
import type { LaneWorld } from './lane-world.ts'

const KEYS = ['red', 'green']

type Can = (world: LaneWorld) => boolean
type Act = (world: LaneWorld) => Promise<void>

class Step implements fc.AsyncCommand<LaneWorld, LaneWorld> {
  readonly #what: string
  readonly #can: Can
  readonly #act: Act

  constructor(what: string, can: Can, act: Act) {
    this.#what = what
    this.#can = can
    this.#act = act
  }

  check(world: LaneWorld): boolean {
    return this.#can(world)
  }

  async run(_model: LaneWorld, world: LaneWorld): Promise<void> {
    await this.#act(world)
    await world.check()
  }

  toString(): string {
    return this.#what
  }
}

const FEWEST = 6

export interface ModelRuns {
  readonly forMs: number
  readonly seed: number
  readonly maxSteps?: number
}

/** Runs lives until the time is over. Throws with the shortest one that broke a promise, and its seed. */
export async function runLives(world: LaneWorld, { forMs, seed, maxSteps = 60 }: ModelRuns): Promise<number> {
  let lives = 0
  const life = fc.asyncProperty(fc.commands(steps, { maxCommands: maxSteps, size: 'max' }), async (commands) => {
    lives += 1
    await world.reset(KEYS)
    await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
    await world.finish()
  })
  await fc.assert(life, {
    seed,
    numRuns: 1_000_000,
    interruptAfterTimeLimit: forMs,
    markInterruptAsFailure: false,
    endOnFailure: false,
  })
  // On a busy machine few lives fit into the time.
  if (lives < FEWEST) await fc.assert(life, { seed: seed + 1, numRuns: FEWEST, endOnFailure: false })
  return lives
}

const place = fc.nat(2)
const key = fc.constantFrom(...KEYS)
const holds = fc.boolean()
const ending = fc.constantFrom<Ending>(
  'done',
  'done',
  'done',
  'retry',
  'retry in an hour',
  'later',
  'continue',
  'block',
)

const publishing = fc
  .record({ place, key, count: fc.integer({ min: 1, max: 6 }), locks: fc.nat(4).map((number) => number > 0) })
  .map(({ place: which, key: of, count, locks }) =>
    step(`publish ${count} of ${of} by ${which}${locks ? '' : ' without the lock'}`, async (world) => {
      const publisher = world.publishers[which]
      if (publisher?.isOpen) return publisher.publish(of, count, locks)
      await publisher?.begin()
      await publisher?.publish(of, count, locks)
      await publisher?.end('commit')
    }),
  )

const claiming = fc
  .record({ limit: fc.constantFrom(1, 2, 10), holds, free: fc.constantFrom(undefined, undefined, 0, 1) })
  .map(({ limit, holds: held, free }) =>
    step(`claim ${limit}${free === undefined ? '' : `, ${free} free`}${held ? ' and hold' : ''}`, (world) =>
      world.claim(limit, held, free),
    ),
  )

const settling = fc.record({ place, ending, takeNext: fc.boolean(), holds }).map((how) =>
  onOne(
    `settle ${JSON.stringify(how)}`,
    how.place,
    (world) => world.hands,
    (world, one) => world.settle(one, how),
  ),
)

const goingOn = place.map((which) =>
  onOne(
    'go on',
    which,
    (world) => world.hands.filter(({ ahead, isEnding }) => ahead.length > 0 && !isEnding),
    async (world, one) => world.goOn(one),
  ),
)

const movingOn = fc.record({ place, isSentTwice: fc.boolean(), holds }).map((how) =>
  onOne(
    `move on${how.isSentTwice ? ' twice' : ''}${how.holds ? ' and hold' : ''}`,
    how.place,
    (world) => world.hands.filter(({ ran, isEnding }) => ran.length > 0 && !isEnding),
    (world, one) => world.moveOn(one, how),
  ),
)

const lettingGo = fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const).map(
  (how) =>
    new Step(
      `let go with ${how}`,
      (world) => world.isHolding,
      (world) => world.letGo(how),
    ),
)

/** The frequent steps. They are listed several times below, to be chosen more often than the rare ones. */
const daily = [publishing, claiming, settling, settling, goingOn, goingOn, movingOn, lettingGo]
const steps: fc.Arbitrary<Step>[] = [
  ...daily,
  ...daily,
  ...daily,
  ofPublisher('begin', 'closed', (publisher) => publisher.begin()),
  ofPublisher('savepoint', 'open', (publisher) => publisher.savepoint()),
  ofPublisher('rollback to savepoint', 'in a savepoint', (publisher) => publisher.rollbackToSavepoint()),
  ofPublisher('commit', 'open', (publisher) => publisher.end('commit')),
  ofPublisher('commit', 'open', (publisher) => publisher.end('commit')),
  ofPublisher('rollback', 'open', (publisher) => publisher.end('rollback')),
  place.map((which) =>
    onOne(
      'lose claim',
      which,
      (world) => world.hands,
      (world, one) => world.loseClaim(one),
    ),
  ),
  fc.record({ which: place, moves: fc.boolean() }).map(({ which, moves }) =>
    onOne(
      `zombie ${moves ? 'moves on' : 'settles'}`,
      which,
      (world) => world.zombies,
      (world, one) => world.settleAsZombie(one, moves),
    ),
  ),
  fc.constant(step('retry dead', (world) => world.operator.retryDead())),
  fc.constant(step('dismiss dead', (world) => world.operator.dismissDead())),
  key.map((of) => step(`skip the head of ${of}`, (world) => world.operator.skipHead(of))),
  fc
    .record({ of: key, holds })
    .map(({ of, holds: held }) =>
      step(`pause ${of}${held ? ' and hold' : ''}`, (world) =>
        world.inTransaction(held, (over) => world.operator.pause(over, of)),
      ),
    ),
  fc
    .record({ of: key, holds })
    .map(({ of, holds: held }) =>
      step(`resume ${of}${held ? ' and hold' : ''}`, (world) =>
        world.inTransaction(held, (over) => world.operator.resume(over, of)),
      ),
    ),
  fc.nat(20).map((number) => step(`delete ${number} by hand`, (world) => world.deleteByHand(number))),
  fc.constant(
    new Step(
      'sweep',
      (world) => world.promises.isDisturbed,
      (world) => world.sweep(),
    ),
  ),
  fc.constant(step('tick', (world) => world.tick())),
  holds.map((held) => step(`prune${held ? ' and hold' : ''}`, (world) => world.prune(held))),
]

function step(what: string, act: Act): Step {
  return new Step(what, () => true, act)
}

function onOne<One>(
  what: string,
  which: number,
  among: (world: LaneWorld) => readonly One[],
  act: (world: LaneWorld, one: One) => Promise<void>,
): Step {
  const chosen = (world: LaneWorld) => {
    const all = among(world)
    return all[which % Math.max(1, all.length)]
  }
  return new Step(
    `${what} ${which}`,
    (world) => chosen(world) !== undefined,
    async (world) => {
      const one = chosen(world)
      if (one !== undefined) await act(world, one)
    },
  )
}

function ofPublisher(
  what: string,
  when: 'closed' | 'open' | 'in a savepoint',
  act: (publisher: LaneWorld['publishers'][number]) => Promise<void>,
): fc.Arbitrary<Step> {
  return place.map((which) => {
    const fitting = (world: LaneWorld) =>
      world.publishers.filter(({ isOpen, hasSavepoint }) =>
        when === 'closed' ? !isOpen : when === 'open' ? isOpen : isOpen && hasSavepoint,
      )
    return onOne(what, which, fitting, (_world, publisher) => act(publisher))
  })
}
