import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { nearest } from '../../../src/cli/nearest.ts'

const COMMANDS = ['migrate', 'worker', 'doctor', 'dead']

describe('a mistyped word', () => {
  test.each([
    ['migrat', 'migrate'],
    ['wroker', 'worker'],
    ['docter', 'doctor'],
    ['deda', 'dead'],
    ['workers', 'worker'],
    ['ead', 'dead'],
    ['Dead', 'dead'],
  ])('%s suggests %s', (word, meant) => {
    const suggestion = nearest(word, COMMANDS)

    expect(suggestion).toBe(` Did you mean "${meant}"?`)
  })

  test.each(['publish', 'x', '', 'wor', 'subscribe'])('%j is too far from every command', (word) => {
    const suggestion = nearest(word, COMMANDS)

    expect(suggestion).toBe('')
  })

  test('may differ in a third of a long name', () => {
    const known = ['finances.create-invoice']

    const suggestions = [nearest('finances.create-xxxxxxx', known), nearest('finances.creat-xxxxxxxx', known)]

    expect(suggestions).toEqual([' Did you mean "finances.create-invoice"?', ''])
  })

  test('has no suggestion when there are no known words', () => {
    const suggestion = nearest('worker', [])

    expect(suggestion).toBe('')
  })

  property.prop([fc.constantFrom(...COMMANDS), fc.nat(), fc.stringMatching(/^[a-z]$/)])(
    'is found with any one letter replaced or left out',
    (command, position, letter) => {
      const at = position % command.length
      const replaced = command.slice(0, at) + letter + command.slice(at + 1)
      const shortened = command.slice(0, at) + command.slice(at + 1)

      const suggestions = [replaced, shortened].map((word) => nearest(word, COMMANDS))

      expect(suggestions).toEqual(Array(2).fill(` Did you mean "${command}"?`))
    },
  )
})
