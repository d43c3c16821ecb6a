/** What SQL may publish, as it is registered in the database: `bus.publishableTypes`. */

export interface PublishableType {
  /** The name that the event type has now, or the one that SQL gives, if this bus does not know it. */
  readonly type: string
  readonly version: number
  /** Whether `partition_key` has to be given. */
  readonly needsKey: boolean
  /** The handlers that an event is published to, those of all services. */
  readonly handlers: readonly string[]
  /** The services that have registered the type. */
  readonly services: readonly string[]
}

export interface PublishableTypes {
  /**
   * The event types that `postbus.publish_event` takes in this database, with who gets them: as `migrate` has registered them, for all services.
   *
   * @example for (const { type, version, needsKey } of await bus.publishableTypes()) console.log(type, version, needsKey)
   * @throws {PostbusError} `POSTBUS_NO_DATABASE` for a bus that keeps everything in memory.
   */
  publishableTypes(): Promise<readonly PublishableType[]>
}
