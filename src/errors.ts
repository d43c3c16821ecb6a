/**
 * The one error class for everything that Postbus refuses or gives up on, with a stable code.
 *
 * Each error speaks to three readers: `code` for programs, `message` for people (what happened, why it matters, and the
 * command or line that fixes it), `cause` for the debugger. Never match on the message: it may be reworded.
 */

/** Every code a {@link PostbusError} can carry. Codes are stable: they are never renamed, only added. */
export type PostbusErrorCode =
  | 'POSTBUS_ATTEMPT_FAILED'
  | 'POSTBUS_BROKER_SETUP'
  | 'POSTBUS_BROKER_UNREACHABLE'
  | 'POSTBUS_CANNOT_LISTEN'
  | 'POSTBUS_CLAIM_LOST'
  | 'POSTBUS_CLOSED'
  | 'POSTBUS_COMPLETION_TIMEOUT'
  | 'POSTBUS_CONFIG_SYNTAX'
  | 'POSTBUS_CORRUPT_PAYLOAD'
  | 'POSTBUS_DATABASE_ENCODING'
  | 'POSTBUS_DATABASE_UNREACHABLE'
  | 'POSTBUS_DELAYED_KEY'
  | 'POSTBUS_DELIVERY_CHANGED'
  | 'POSTBUS_DRAIN_ENDLESS'
  | 'POSTBUS_DUPLICATE_EVENT_TYPE'
  | 'POSTBUS_DUPLICATE_HANDLER'
  | 'POSTBUS_ENDLESS_CHAIN'
  | 'POSTBUS_EVENT_GONE'
  | 'POSTBUS_HANDLER_IN_USE'
  | 'POSTBUS_HANDLER_TIMEOUT'
  | 'POSTBUS_INLINE_AWAITS'
  | 'POSTBUS_INLINE_DELAYED'
  | 'POSTBUS_INLINE_SNOOZED'
  | 'POSTBUS_INTERESTED_FAILED'
  | 'POSTBUS_INVALID_CONFIG'
  | 'POSTBUS_INVALID_EVENT'
  | 'POSTBUS_INVALID_HANDLER'
  | 'POSTBUS_INVALID_OPTIONS'
  | 'POSTBUS_INVALID_SCHEDULE'
  | 'POSTBUS_INVALID_SNAPSHOT'
  | 'POSTBUS_INVALID_SOURCE'
  | 'POSTBUS_LANE_RUNS'
  | 'POSTBUS_MIGRATION_BLOCKED'
  | 'POSTBUS_MIGRATION_STOPPED'
  | 'POSTBUS_MODE_IS_NOT_LIVE'
  | 'POSTBUS_MODE_RECORDS_NOTHING'
  | 'POSTBUS_NAME_CONFLICT'
  | 'POSTBUS_NEWER_VERSION'
  | 'POSTBUS_NEXT_CALLED_AGAIN'
  | 'POSTBUS_NEXT_NOT_CALLED'
  | 'POSTBUS_NOT_AWAITED'
  | 'POSTBUS_NOT_A_TEST_DATABASE'
  | 'POSTBUS_NOT_A_TRANSACTION'
  | 'POSTBUS_NOT_DELAYED'
  | 'POSTBUS_NOT_IN_TEST'
  | 'POSTBUS_NO_DATABASE'
  | 'POSTBUS_NO_SUCH_DELIVERY'
  | 'POSTBUS_NO_SUCH_EVENT'
  | 'POSTBUS_NO_SUCH_LANE'
  | 'POSTBUS_NO_SUCH_REPLAY'
  | 'POSTBUS_NO_SUCH_SCHEDULE'
  | 'POSTBUS_NO_TEST_BUS'
  | 'POSTBUS_OLDER_VERSION'
  | 'POSTBUS_PGBOSS_TOO_OLD'
  | 'POSTBUS_PORT_IN_USE'
  | 'POSTBUS_PUBLISH_INCOMPLETE'
  | 'POSTBUS_QUEUE_MISMATCH'
  | 'POSTBUS_QUEUE_MISSING'
  | 'POSTBUS_READS_THE_LOG'
  | 'POSTBUS_REDACTED'
  | 'POSTBUS_REPLAY_ENDED'
  | 'POSTBUS_REPLAY_PENDING'
  | 'POSTBUS_REPLAY_TAKEN_OVER'
  | 'POSTBUS_ROWS_CHANGED'
  | 'POSTBUS_SCHEMA_MISSING'
  | 'POSTBUS_SCHEMA_OUTDATED'
  | 'POSTBUS_SEVERAL_TESTS'
  | 'POSTBUS_TEST_DATABASE_BUSY'
  | 'POSTBUS_TEST_DATABASE_FAILED'
  | 'POSTBUS_TEST_ENDED'
  | 'POSTBUS_TOO_LARGE'
  | 'POSTBUS_TRANSACTION_ABORTED'
  | 'POSTBUS_TRANSACTION_FINISHED'
  | 'POSTBUS_TRANSACTION_NOT_RUN'
  | 'POSTBUS_TRANSACTION_REQUIRED'
  | 'POSTBUS_UNKNOWN_HANDLER'
  | 'POSTBUS_UNSERIALIZABLE'
  | 'POSTBUS_WAIT_TIMEOUT'
  | 'POSTBUS_UPCAST_FAILED'
  | 'POSTBUS_WORKER_DIED'
  | 'POSTBUS_WORKER_STALLED'

/**
 * An error that Postbus raises itself. Errors of your database driver pass through unchanged, unless one of these codes
 * describes them.
 *
 * @example if (error instanceof PostbusError && error.code === 'POSTBUS_INVALID_EVENT') return badRequest(error.message)
 */
export class PostbusError extends Error {
  override readonly name = 'PostbusError'
  /** What went wrong, for programs: `if (error.code === 'POSTBUS_INVALID_EVENT')`. */
  readonly code: PostbusErrorCode

  constructor(code: PostbusErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
