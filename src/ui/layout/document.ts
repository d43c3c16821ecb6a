/** The frame of each page: head, navigation, the viewer, and the result of the last action. */
import { ASSETS } from '../assets.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import type { Page, Visit } from '../visit.ts'
import { navigation } from './navigation.ts'

export function document(visit: Visit, page: Page): Markup {
  const { title, viewer, notice } = visit
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${page.title} · ${title}</title>
        <link rel="icon" href="${link(visit, `/assets/${ASSETS.icon}`)}" />
        <link rel="stylesheet" href="${link(visit, `/assets/${ASSETS.style}`)}" />
        <script src="${link(visit, `/assets/${ASSETS.script}`)}" defer></script>
      </head>
      <body ${page.isLive ? html`data-refresh-seconds="5"` : ''}>
        <a class="skip" href="#main">Skip to content</a>
        <header>
          <a class="brand" href="${link(visit, '/')}">${title}</a>
          ${navigation(visit)} ${search(visit)}
          <p class="viewer">${viewer.by} · ${viewer.level === 'all' ? 'may act' : 'reads only'}</p>
        </header>
        <main id="main" tabindex="-1">
          ${notice === null ? '' : html`<p class="notice" role="status">${notice}</p>`}
          <h1>${page.title}</h1>
          ${page.body}
        </main>
      </body>
    </html>`
}

function search(visit: Visit): Markup {
  const within = visit.viewer.showData && visit.maskData === undefined ? 'Id, key or text' : 'Id or key'
  return html`<form role="search" action="${link(visit, '/find')}">
    <input type="search" name="for" aria-label="${`Find events: ${within}`}" placeholder="${within}" required />
    <button>Find</button>
  </form>`
}
