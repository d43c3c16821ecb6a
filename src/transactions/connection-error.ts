/** Explains why a connection cannot be made: what is wrong, whether it can help to wait, and what to do. */
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { isAggregateError } from '../realm.ts'

/** SQLSTATEs for which waiting does not help: wrong password or role, no such database, no permission. */
const REFUSED = new Set(['28000', '28P01', '3D000', '42501'])
/** The database cannot be reached at all, or not at this moment. */
const CLOSED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH', '57P03'])
/** Node's and OpenSSL's codes for a certificate or a handshake that one side does not accept. */
const TLS = /CERT|^UNABLE_TO_|^INVALID_(?:CA|PURPOSE)$|^HOSTNAME_MISMATCH$|^CRL_|^EPROTO$|^ERR_(?:SSL|TLS|OSSL)_/

/** Returns why there is no connection. For a problem with a certificate, the text names the problem and says how to fix it. */
export function connectionProblem(error: unknown): string {
  const text = safeTextOfError(error)
  if (!isTls(error)) return text
  const code = codeOf(error)
  const named = text.includes(code) ? text : `${text} (${code})`
  return (
    `the TLS connection was refused, because of a certificate: ${named}. Trust the authority that signed the server's ` +
    'certificate, with sslrootcert=FILE in the connection string or NODE_EXTRA_CA_CERTS=FILE, and use the host name that it is for'
  )
}

/** Whether a connection fails for a reason that stays until a person fixes it. */
export function isFinalConnectionError(error: unknown): boolean {
  if (error instanceof PostbusError) return true
  return REFUSED.has(codeOf(error)) || isTls(error) || isMissingFile(error)
}

/** For operators' commands: explains a connection that cannot be made. Returns any other error unchanged. */
export function explainConnectionError(error: unknown): unknown {
  if (error instanceof PostbusError) return error
  if (codeOf(error) === '42501') return error // the connection works, but there is no permission for the statement
  if (!isFinalConnectionError(error) && !CLOSED.has(codeOf(error))) return error
  const message = `The database cannot be reached: ${connectionProblem(error)}. Check the connection string, and that the server is up.`
  return new PostbusError('POSTBUS_DATABASE_UNREACHABLE', message, { cause: error })
}

function isTls(error: unknown): boolean {
  return TLS.test(codeOf(error))
}

/** Whether a file of a certificate or key is missing, which the connection string names. For a missing socket, waiting can help. */
function isMissingFile(error: unknown): boolean {
  const [first] = isAggregateError(error) ? error.errors : [error]
  return codeOf(error) === 'ENOENT' && Reflect.get(Object(first), 'syscall') === 'open'
}

/** The error code. If several addresses were tried, the code of the first one. */
function codeOf(error: unknown): string {
  const [first] = isAggregateError(error) ? error.errors : [error]
  if (typeof first !== 'object' || first === null || !('code' in first)) return ''
  return typeof first.code === 'string' ? first.code : ''
}
