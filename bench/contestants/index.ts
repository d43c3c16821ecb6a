/** Everyone who drains, by name: a worker process is told the name of the one it is to be. */
import type { Contestant } from './contestant.ts'
import { pgBoss } from './pg-boss.ts'
import { postbus } from './postbus.ts'

export const ourDefault = postbus(20)
export const ourBest = postbus(200)
export const fifo = pgBoss({ policy: 'key_strict_fifo', batchSize: 50 })
export const fifoTuned = pgBoss({ policy: 'key_strict_fifo', batchSize: 500 })
export const singleton = pgBoss({ policy: 'singleton', batchSize: 50 })
export const singletonTuned = pgBoss({ policy: 'singleton', batchSize: 500 })

const all = [ourDefault, ourBest, fifo, fifoTuned, singleton, singletonTuned, postbus(50), postbus(100), postbus(500)]

export function contestantNamed(name: string): Contestant {
  const found = all.find((contestant) => contestant.name === name)
  if (!found) throw new Error(`No contestant is named "${name}".`)
  return found
}
