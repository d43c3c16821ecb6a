/**
 * The one script of the page: fetches live pages again every few seconds, and replaces the parts that have changed. Everything works
 * without it. Scroll, focus and opened details stay. A button pauses it, and a hidden tab fetches nothing.
 */
export const SCRIPT = /* js */ `'use strict'
{
  const everyMs = Number(document.body.dataset.refreshSeconds) * 1000
  const viewer = document.querySelector('.viewer')
  if (everyMs > 0 && viewer) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'live'
    viewer.after(button)
    let isOn = sessionStorage.getItem('postbus-live') !== 'off'
    let isBusy = false

    const show = () => {
      button.textContent = isOn ? 'Pause refresh' : 'Resume refresh'
    }
    button.addEventListener('click', () => {
      isOn = !isOn
      sessionStorage.setItem('postbus-live', isOn ? 'on' : 'off')
      show()
      if (isOn) refresh()
    })
    show()

    const refresh = async () => {
      if (!isOn || isBusy || document.hidden) return
      isBusy = true
      try {
        const response = await fetch(location.href, { headers: { accept: 'text/html' }, credentials: 'same-origin' })
        if (!response.ok || response.redirected) return
        const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
        for (const part of document.querySelectorAll('[data-live]')) replace(part, fresh.getElementById(part.id))
      } catch {
        // The next turn asks again.
      } finally {
        isBusy = false
      }
    }

    const replace = (part, fresh) => {
      if (!fresh || fresh.innerHTML === part.innerHTML) return
      const focused = part.contains(document.activeElement) ? document.activeElement : null
      if (focused && focused.matches('input, select, textarea')) return
      const selection = getSelection()
      if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return
      const open = [...part.querySelectorAll('details')].map((one) => one.open)
      const scrolled = [...part.querySelectorAll('.scroll')].map((one) => one.scrollLeft)
      part.replaceChildren(...fresh.childNodes)
      part.querySelectorAll('details').forEach((one, at) => { if (at in open) one.open = open[at] })
      part.querySelectorAll('.scroll').forEach((one, at) => { one.scrollLeft = scrolled[at] ?? 0 })
      if (focused) sameAs(focused, [...part.querySelectorAll('a, button, summary, [tabindex]')]).focus({ preventScroll: true })
    }

    // By where it leads, then by what it says: rows change places, and a key press must not follow another one's link.
    const sameAs = (focused, all) => {
      const alike = all.filter((one) => one.tagName === focused.tagName && one.href === focused.href)
      const same = alike.find((one) => one.textContent === focused.textContent)
      return same || (focused.href && alike[0]) || document.getElementById('main')
    }

    setInterval(refresh, everyMs)
    document.addEventListener('visibilitychange', refresh)
  }
}
`
