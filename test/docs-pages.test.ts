/** The pages for operators and for people who come from other tools: their command lines and options exist, and their links lead somewhere. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { Terminal } from '../src/cli/command.ts'
import { run } from '../src/cli/run.ts'

const PAGES = ['docs/runbook.md', 'docs/port-checklist.md', ...globSync('docs/{running,coming-from}/*.md')]

const WITH_ACTIONS = ['dead', 'events', 'lanes', 'log']

test('every command line exists, and so does every option in it', async () => {
  const given = lines()
  const helpOf = new Map(
    await Promise.all(
      [...new Set(given.map(([name = '']) => name))].map(async (name) => [name, await help(name)] as const),
    ),
  )

  expect(given.length).toBeGreaterThan(60)
  for (const [name = '', ...words] of given) {
    const said = helpOf.get(name)
    for (const option of words.filter((word) => word.startsWith('--'))) expect(said, name).toContain(option)
  }
})

test('every action in a command line belongs to its command', async () => {
  const named = lines().filter(([name = '']) => WITH_ACTIONS.includes(name))
  const helpOf = new Map(await Promise.all(WITH_ACTIONS.map(async (name) => [name, await help(name)] as const)))

  for (const [name = '', action] of named) expect(helpOf.get(name)).toContain(`postbus ${name} ${action}`)
})

test('every link to another page leads to an existing page and heading', () => {
  const links = PAGES.flatMap((page) =>
    Array.from(
      readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g),
      ([, path = '', heading]) => ({
        page,
        target: path === '' ? page : join(dirname(page), path),
        heading,
      }),
    ),
  )

  expect(links.length).toBeGreaterThan(100)
  expect(links.filter(({ target, heading }) => !leads(target, heading))).toEqual([])
})

/** The words of every `npx postbus …` on the pages. */
function lines(): readonly (readonly string[])[] {
  return PAGES.flatMap((page) =>
    Array.from(readFileSync(page, 'utf8').matchAll(/npx postbus ([^`#\n]+)/g), ([, words = '']) =>
      words.trim().split(/[\s,.;)]+/),
    ),
  )
}

async function help(name: string): Promise<string> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([textOf(out), textOf(err)])
  await run([name, '--help'], { out, err } as unknown as Terminal)
  out.end()
  err.end()
  return (await said).join('')
}

function leads(target: string, heading: string | undefined): boolean {
  if (!existsSync(target)) return false
  return heading === undefined || headingsOf(target).includes(heading)
}

/** The anchors of a page, as GitHub makes them. */
function headingsOf(page: string): readonly string[] {
  return Array.from(readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm), ([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
