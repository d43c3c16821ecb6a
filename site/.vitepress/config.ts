/** The site: VitePress over the pages that `assemble.ts` has put together. */
import { transformerTwoslash } from '@shikijs/vitepress-twoslash'
import { defineConfig } from 'vitepress'
import { assembleAgain } from '../assemble.ts'
import { hovers } from '../hovers.ts'
import { anchorOf } from '../markdown.ts'
import { ROOT } from '../published.ts'
import { sidebar } from '../sidebar.ts'

export default defineConfig({
  title: 'Postbus',
  description: 'A durable, typed event bus for TypeScript services that already run on Postgres.',
  lang: 'en',
  srcDir: '.pages',
  srcExclude: ['public/**'], // the pages as they are, for programs
  outDir: 'dist',
  cacheDir: '.cache',
  metaChunk: true,
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
    anchor: { slugify: anchorOf },
    codeTransformers: [transformerTwoslash({ explicitTrigger: false, twoslasher: hovers(), throws: true })],
  },
  vite: {
    build: { chunkSizeWarningLimit: 4_000 }, // the index of the search, which is loaded when it is opened
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
