/** The findings of `doctor`: problems first, then warnings, then the checks that are ok. */
import type { DoctorFinding } from '../../deliveries/operations.ts'
import { html, type Markup } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { table } from '../parts/table.ts'
import { duration } from '../parts/time.ts'

const RANK = { problem: 0, warning: 1, ok: 2 } as const

export function findingsPart(findings: readonly DoctorFinding[], ageMs: number): Markup {
  const sorted = findings.toSorted((one, other) => RANK[one.status] - RANK[other.status])
  return html`${table({
      label: 'Findings of the doctor',
      columns: [{ head: 'Status' }, { head: 'Check' }, { head: 'Finding' }],
      rows: sorted.map(({ status, check, message }) => [badge(status), check, message]),
      empty: 'Nothing was examined.',
    })}
    <p class="hint">Examined ${duration(Math.round(ageMs))} ago, by <code>bus.doctor()</code>.</p>`
}
