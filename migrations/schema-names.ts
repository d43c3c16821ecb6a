/** The two schemas, both checked against `SCHEMA_NAME` before they get here. */
export interface SchemaNames {
  readonly postbus: string
  readonly pgboss: string
}
