/** `postbus types sql`: lists what SQL may publish in this database, and which handlers get it. */
import type { Bus } from '../bus.ts'
import type { PublishableType } from '../deliveries/publishable-types.ts'
import type { ExitCode, Invocation } from './command.ts'
import { printList } from './output.ts'

const HEADS = ['EVENT TYPE', 'VERSION', 'PARTITION KEY', 'SERVICES', 'HANDLERS']

export async function listForSql(bus: Bus, invocation: Invocation): Promise<ExitCode> {
  printList(invocation, await bus.publishableTypes(), { heads: HEADS, rowOf, one: 'event type' })
  return 0
}

function rowOf({ type, version, needsKey, services, handlers }: PublishableType): readonly string[] {
  return [type, String(version), needsKey ? 'needed' : '', services.join(', '), handlers.join(', ')]
}
