/** What the command line puts into the environment: the config file that it imports next reads DATABASE_URL from there. */

export function givenDatabase(): string | undefined {
  return process.env['DATABASE_URL'] || undefined // set to nothing means not set
}

export function setDatabase(connectionString: string): void {
  process.env['DATABASE_URL'] = connectionString
}
