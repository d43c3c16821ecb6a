import { z } from 'zod'
import { defineEvent } from '../src/index.ts'
import { rememberId } from '../src/events/ids-of-ours.ts'
const E = defineEvent('a.b', { schema: z.object({ orderId: z.string(), total: z.number() }) })
const N = 200_000
function time(name: string, f: () => void) {
  const t = performance.now()
  for (let i = 0; i < N; i++) f()
  console.log(name, (((performance.now() - t) / N) * 1e6).toFixed(0), 'ns')
}
for (let r = 0; r < 3; r++) {
  time('event', () => void E({ orderId: 'o', total: 1 }))
  time('remember', () => rememberId({ id: 'x', occurredAt: new Date() }))
  time('date', () => void new Date())
}
