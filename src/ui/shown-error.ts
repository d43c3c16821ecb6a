/** Decides how much of an attempt's error a viewer sees: its message and its stack can contain data of the event. */
import type { AttemptError } from '../deliveries/delivery.ts'
import { html, type Markup } from './html.ts'
import { hiddenMark } from './shown-data.ts'
import type { Visit } from './visit.ts'

/** The name that dead letters can be filtered by: the error's code, or else the class name with which its message begins. */
export function nameOfError(error: Pick<AttemptError, 'code' | 'message'> | undefined): string | null {
  if (error === undefined) return null
  return error.code ?? /^([A-Za-z_$][\w$]{0,90}(?:Error|Exception)):/.exec(error.message)?.[1] ?? null
}

export function messageFor({ viewer }: Pick<Visit, 'viewer'>, message: string, most = 300): string | Markup {
  if (!viewer.showData) return hiddenMark
  return message.length > most ? `${message.slice(0, most - 1).toWellFormed()}…` : message
}

/** The name of an error and its message, which may begin with that name. */
export function errorLine(visit: Pick<Visit, 'viewer'>, error: AttemptError | undefined, most = 300): Markup | '' {
  if (error === undefined) return ''
  const name = nameOfError(error)
  if (name === null) return html`${messageFor(visit, error.message, most)}`
  const message = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message
  return html`<code>${name}</code> ${messageFor(visit, message, most)}`
}
