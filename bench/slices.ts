/** A measurement in slices: it yields after each one, and returns its result after the last one. */
export type Slices<Result> = AsyncGenerator<void, Result>

/** A measurement that does not yield is one slice. */
export async function* slicesOf<Result>(measured: Promise<Result> | Slices<Result>): Slices<Result> {
  return measured instanceof Promise ? await measured : yield* measured
}
