/** Publishes a tick of a schedule by hand. */
import { asked, refused, timeField } from '../asked.ts'
import { textField } from '../parts/fields.ts'
import type { Doing } from './doing.ts'

export const runSchedule: Doing = {
  title: 'Publish a tick',
  button: 'Publish it',
  preview: async (_, values) => ({
    says: `This publishes one event of schedule ${nameOf(values)}.`,
    warns:
      'The schedule goes on as if nothing had been. Given the time of a tick that was published already, it is a duplicate.',
    count: 1,
    fields: textField({
      name: 'at',
      label: 'The tick to make up for (UTC); empty: now',
      value: asked(values, 'at'),
      placeholder: '2026-05-01T05:00',
    }),
  }),
  async run({ bus }, values, { act }) {
    const published = await bus.schedules.run(nameOf(values), { ...act, ...timeField(values, 'at') })
    return published.duplicate ? 'It was published already.' : `Event ${published.id} was published.`
  },
}

function nameOf(values: URLSearchParams): string {
  const name = asked(values, 'schedule')
  if (name === null) throw refused('Say which schedule.')
  return name
}
