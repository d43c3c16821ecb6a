/** The event types that SQL may publish, as registered in the database: `bus.publishableTypes`. */

export interface PublishableType {
  /** The present name of the event type. If this bus does not know it: the name that SQL uses. */
  readonly type: string
  readonly version: number
  /** Whether SQL must pass a `partition_key`. */
  readonly needsKey: boolean
  /** The handlers of all services that get such an event. */
  readonly handlers: readonly string[]
  /** The services that have registered the type. */
  readonly services: readonly string[]
}

export interface PublishableTypes {
  /**
   * Returns the event types that `postbus.publish_event` accepts in this database, with their handlers, as `migrate` has registered them for all
   * services.
   *
   * @example for (const { type, version, needsKey } of await bus.publishableTypes()) console.log(type, version, needsKey)
   * @throws {PostbusError} `POSTBUS_NO_DATABASE` for a bus that keeps everything in memory.
   */
  publishableTypes(): Promise<readonly PublishableType[]>
}
