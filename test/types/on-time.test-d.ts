/** The types of delays, completions and schedules. */
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  awaitCompletion,
  createBus,
  defineEvent,
  defineHandler,
  defineSchedule,
  type AwaitCompletion,
  type CancelReport,
  type CompletionReport,
  type DeliveryState,
  type Envelope,
  type Schedule,
  type ScheduleStatus,
  type Tick,
} from '../../src/index.ts'

const Ticked = defineEvent('calendar.ticked', { schema: z.object({ at: z.date() }) })
const daily = defineSchedule('reports.daily', {
  cron: '@daily',
  event(tick) {
    expectTypeOf(tick).toEqualTypeOf<Tick>()
    return Ticked({ at: tick.at })
  },
})
expectTypeOf(daily).toEqualTypeOf<Schedule<'reports.daily'>>()
// @ts-expect-error -- `event` must return an event
defineSchedule('reports.daily', { cron: '@daily', event: () => 1 })
// @ts-expect-error -- `missed` is none, latest or all
defineSchedule('reports.daily', { cron: '@daily', missed: 'some', event: () => Ticked({ at: new Date() }) })

const bus = createBus({ backend: 'mailbox', schedules: [daily] })
createBus({ backend: 'mailbox', schedules: { daily, all: [daily] } })
expectTypeOf(await bus.schedules.list()).toEqualTypeOf<readonly ScheduleStatus[]>()

void bus.publish(Ticked({ at: new Date() }), { delayMs: 5 })
void bus.publish([Ticked({ at: new Date() })], { at: new Date(), tx: 'own' })
// @ts-expect-error -- expects a Date, not a string
void bus.publish(Ticked({ at: new Date() }), { at: '2027-01-01' })
expectTypeOf(bus.cancel('id', { reason: 'paid' })).resolves.toEqualTypeOf<CancelReport>()
expectTypeOf<Envelope['dueAt']>().toEqualTypeOf<Date | undefined>()

const waits = defineHandler('payments.charge', { on: Ticked, handle: () => awaitCompletion({ timeoutMs: 1_000 }) })
expectTypeOf(waits.handle).returns.toEqualTypeOf<AwaitCompletion>()
// @ts-expect-error -- the wait needs a timeout
awaitCompletion({})
expectTypeOf(bus.deliveries.complete('id')).resolves.toEqualTypeOf<CompletionReport>()
expectTypeOf<CompletionReport['state']>().toEqualTypeOf<DeliveryState>()
// @ts-expect-error -- `fail` needs a reason
void bus.deliveries.fail('id')
