/**
 * Reads a page by a grammar so narrow that browsers cannot read it differently: known elements with known attributes, each value in double
 * quotes, and no `<` or `>` anywhere else. So it finds data that has become more than text.
 */

const ELEMENTS = new Set(
  `html head meta title link script body a header nav ul li ol p form input button main h1 h2 h3 h4 div section span code pre table caption
  thead tbody tr th td details summary select option label textarea dl dt dd time svg polyline line path rect circle g small strong em br
  fieldset legend`.split(/\s+/),
)
const ATTRIBUTES = new Set(
  `lang charset name content rel href src defer class id tabindex role aria-label aria-current aria-hidden aria-labelledby aria-describedby
  action method type value placeholder required selected checked open scope colspan datetime title for viewBox width height points fill
  stroke d x y r cx cy x1 x2 y1 y2 preserveAspectRatio focusable data-live data-refresh-seconds minlength maxlength min max step list
  autocomplete size formaction formmethod`.split(/\s+/),
)
const ADDRESSES = new Set(['href', 'src', 'action', 'formaction'])
const TOKEN = /<!doctype html>|<(\/?)([a-z][a-z0-9]*)((?:\s+[A-Za-z-]+(?:="[^"<>]*")?)*)\s*(\/?)>|[^<>]+/gy

/** Lists what is wrong with the page, in words; empty if nothing is. Its addresses must begin with `within`. */
export function faultsIn(html: string, within: string): readonly string[] {
  const faults: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < html.length) {
    const at = TOKEN.lastIndex
    const found = TOKEN.exec(html)
    if (found === null) return [...faults, `not readable: ${html.slice(at, at + 120)}`]
    const [, end = '', element, attributes = ''] = found
    if (element === undefined) continue
    if (!ELEMENTS.has(element)) faults.push(`element ${element}`)
    if (element === 'script' && end === '' && !attributes.includes(' src="')) faults.push('a script inside the page')
    for (const [, name = '', value] of attributes.matchAll(/([A-Za-z-]+)(?:="([^"]*)")?/g)) {
      if (!ATTRIBUTES.has(name)) faults.push(`attribute ${name} of ${element}`)
      const isOurs = value?.startsWith(`${within}/`) === true || value?.startsWith('#') === true || value === within
      if (ADDRESSES.has(name) && !isOurs) faults.push(`${name} leads to ${value}`)
    }
  }
  return faults
}
