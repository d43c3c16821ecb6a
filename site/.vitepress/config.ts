/** The configuration of the site: VitePress builds it from the pages that `assemble.ts` has written. */
import { transformerTwoslash } from '@shikijs/vitepress-twoslash'
import { defineConfig } from 'vitepress'
import { assembleAgain } from '../assemble.ts'
import { hovers } from '../hovers.ts'
import { anchorOf } from '../markdown.ts'
import { ROOT } from '../published.ts'
import { sidebar } from '../sidebar.ts'
import { withoutEmptyHeads } from '../tables.ts'

const ICON = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#1d4f91"/></svg>')}`

export default defineConfig({
  title: 'Postbus',
  description: 'A durable, typed event bus for TypeScript services that already run on Postgres.',
  lang: 'en',
  srcDir: '.pages',
  srcExclude: ['public/**'], // the unchanged Markdown, for programs
  outDir: 'dist',
  cacheDir: '.cache',
  metaChunk: true,
  head: [['link', { rel: 'icon', href: ICON }]],
  themeConfig: {
    nav: [
      { text: 'Concepts', link: '/concepts' },
      { text: 'API', link: '/api/' },
      { text: 'Changelog', link: '/changelog' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: withoutEmptyHeads,
    anchor: { slugify: anchorOf },
    codeTransformers: [transformerTwoslash({ explicitTrigger: false, twoslasher: hovers(), throws: true })],
  },
  vite: {
    build: { chunkSizeWarningLimit: 4_000 }, // for the search index, which is loaded when the search is opened
    plugins: [
      {
        name: 'postbus:pages',
        configureServer({ watcher }) {
          watcher.add([`${ROOT}/docs`, `${ROOT}/README.md`])
          watcher.on('change', assembleAgain)
        },
      },
    ],
  },
})
