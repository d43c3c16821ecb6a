/** The progress of the demo, on stderr: one line that is rewritten on a terminal, otherwise a line every few seconds. */
import type { Expectation } from './expectation.ts'

const REWRITE_EVERY_MS = 200
const LINE_EVERY_MS = 5_000

export interface Progress {
  count(what: 'placed' | 'declined' | 'shipped'): void
  /** Sets the number of deliveries that have ended so far. */
  ended(deliveries: number): void
  /** Prints the final state, and then nothing more. */
  stop(): void
}

export function showProgress({ orders, declined, deliveries }: Expectation, stream = process.stderr): Progress {
  const startedAt = Date.now()
  const counts = { placed: 0, declined: 0, shipped: 0 }
  let ended = 0
  const rate = meter()

  function line(): string {
    const replayed = `orders ${of(counts.placed + counts.declined, orders.length + declined.length)}`
    const published = `events ${of(counts.placed + counts.shipped, 2 * orders.length)}`
    const delivered = `deliveries ${of(ended, deliveries.length)}`
    return `${seconds(startedAt)} s · ${replayed} · ${published} · ${delivered} · ${rate(ended).toLocaleString('en')}/s`
  }
  function show(): void {
    stream.write(stream.isTTY ? `\r\u001b[K${line().slice(0, stream.columns - 1)}` : `${line()}\n`)
  }

  const timer = setInterval(show, stream.isTTY ? REWRITE_EVERY_MS : LINE_EVERY_MS)
  return {
    count: (what) => void counts[what]++,
    ended: (number) => void (ended = number),
    stop() {
      clearInterval(timer)
      show()
      if (stream.isTTY) stream.write('\n')
    },
  }
}

/** Returns the rate at which a number has grown over the last few seconds. */
function meter(): (total: number) => number {
  const samples = [{ at: Date.now(), total: 0 }]
  return (total) => {
    const now = { at: Date.now(), total }
    samples.push(now)
    while (samples.length > 2 && now.at - (samples[1]?.at ?? 0) > 3_000) samples.shift()
    const [first = now] = samples
    return Math.round((1_000 * (total - first.total)) / Math.max(now.at - first.at, 1))
  }
}

function of(part: number, whole: number): string {
  return `${part.toLocaleString('en')}/${whole.toLocaleString('en')}`
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1_000).toFixed(0).padStart(3)
}
