/** One line of the account: what was expected, and what was counted in each place that could be asked. */
export interface Line {
  readonly what: string
  readonly expected: number
  readonly found: readonly Count[]
}

export interface Count {
  readonly count: number
  readonly where: string
}

/** A line adds up when every place counted what was expected. */
export function addsUp({ expected, found }: Line): boolean {
  return found.every(({ count }) => count === expected)
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
