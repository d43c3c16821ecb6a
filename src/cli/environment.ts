/** Reads and sets the environment variable DATABASE_URL, which the config file reads when it is imported. */

export function givenDatabase(): string | undefined {
  return process.env['DATABASE_URL'] || undefined // an empty value counts as not set
}

export function setDatabase(connectionString: string): void {
  process.env['DATABASE_URL'] = connectionString
}
