/** The files of GitHub, which nothing here runs: they parse, they name scripts that exist, and they cover every supported version. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

interface Workflow {
  readonly jobs: Readonly<Record<string, Job>>
  readonly permissions?: Readonly<Record<string, string>>
}

interface Job {
  readonly steps: readonly { readonly run?: string; readonly uses?: string }[]
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly number[]>> }
}

const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts

test('every workflow parses, and runs scripts and files that exist', () => {
  const files = globSync('.github/workflows/*.yml').toSorted()
  const lines = files.flatMap((file) =>
    Object.values(read<Workflow>(file).jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? [])),
  )
  const asked = lines.flatMap((line) =>
    Array.from(line.matchAll(/npm (?:run )?(?!ci\b|run\b)([\w:]+)/g), ([, name]) => name),
  )

  expect(files.map((file) => file.split('/').at(-1))).toEqual(['ci.yml', 'docs.yml', 'release.yml'])
  expect(asked).toEqual(expect.arrayContaining(['test', 'docs', 'package']))
  expect(asked.filter((name) => name === undefined || !(name in scripts))).toEqual([])
})

test('CI runs .ci/run, and the tests on every supported Postgres and Node', () => {
  const { jobs } = read<Workflow>('.github/workflows/ci.yml')

  expect(jobs['run']?.steps.map(({ run }) => run)).toContain('.ci/run')
  expect(jobs['test']?.strategy?.matrix).toEqual({ postgres: [14, 15, 16, 17, 18], node: [22, 24, 26] })
})

test('a release is signed with the place of its build', () => {
  const release = read<Workflow>('.github/workflows/release.yml')

  expect(release.permissions).toMatchObject({ 'id-token': 'write' })
  expect(readFileSync('.github/workflows/release.yml', 'utf8')).toContain("NPM_CONFIG_PROVENANCE: 'true'")
})

test('a bug report asks for the output of doctor', () => {
  const form = read<{ body: { type: string; attributes: { label?: string } }[] }>('.github/ISSUE_TEMPLATE/bug.yml')

  expect(form.body.map(({ attributes }) => attributes.label)).toContain('Output of `npx postbus doctor --json`')
})

function read<Content>(file: string): Content {
  return parse(readFileSync(file, 'utf8')) as Content
}
