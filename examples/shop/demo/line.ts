/** One line of the account: the expected number, and the number that was counted in each place. */
export interface Line {
  readonly what: string
  readonly expected: number
  readonly found: readonly Count[]
}

export interface Count {
  readonly count: number
  readonly where: string
}

/** A line adds up when the count in every place is the expected number. */
export function addsUp({ expected, found }: Line): boolean {
  return found.every(({ count }) => count === expected)
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
