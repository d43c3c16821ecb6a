/** A state in one word, with a colour that says how much it matters. The word is always there, because many people cannot rely on colour. */
import { html, type Markup } from '../html.ts'

type Tone = 'good' | 'bad' | 'wait' | 'quiet'

const TONES: Readonly<Record<string, Tone>> = {
  done: 'good',
  ok: 'good',
  running: 'good',
  dead: 'bad',
  blocked: 'bad',
  problem: 'bad',
  retrying: 'wait',
  warning: 'wait',
  paused: 'wait',
  awaiting: 'wait',
  snoozed: 'wait',
}

export function badge(state: string): Markup {
  return html`<span class="${`badge ${TONES[state] ?? 'quiet'}`}">${state}</span>`
}
