/** A connection that cannot be made, in words: what is wrong, whether waiting will mend it, and what will. */
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { isAggregateError } from '../realm.ts'

/** What waiting does not mend, by SQLSTATE: wrong password or role, no such database, no permission. */
const REFUSED = new Set(['28000', '28P01', '3D000', '42501'])
/** There is no way to the database at all, or not now. */
const CLOSED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH', '57P03'])
/** Node's and OpenSSL's codes for a certificate or a handshake that one of the two sides does not accept. */
const TLS = /CERT|^UNABLE_TO_|^INVALID_(?:CA|PURPOSE)$|^HOSTNAME_MISMATCH$|^CRL_|^EPROTO$|^ERR_(?:SSL|TLS|OSSL)_/

/** Why there is no connection. Of a certificate it says that it is one, whose, and what mends it. */
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

/** Whether a connection fails for a reason that stays until a person mends it. */
export function isFinalConnectionError(error: unknown): boolean {
  if (error instanceof PostbusError) return true
  return REFUSED.has(codeOf(error)) || isTls(error) || isMissingFile(error)
}

/** For operators' commands. Anything but a connection that cannot be made is returned unchanged. */
export function explainConnectionError(error: unknown): unknown {
  if (error instanceof PostbusError) return error
  if (codeOf(error) === '42501') return error // no permission for what was asked, on a connection that was made
  if (!isFinalConnectionError(error) && !CLOSED.has(codeOf(error))) return error
  const message = `The database cannot be reached: ${connectionProblem(error)}. Check the connection string, and that the server is up.`
  return new PostbusError('POSTBUS_DATABASE_UNREACHABLE', message, { cause: error })
}

function isTls(error: unknown): boolean {
  return TLS.test(codeOf(error))
}

/** The file of a certificate or key that the connection string names; a socket that is not there is a matter of waiting. */
function isMissingFile(error: unknown): boolean {
  const [first] = isAggregateError(error) ? error.errors : [error]
  return codeOf(error) === 'ENOENT' && Reflect.get(Object(first), 'syscall') === 'open'
}

/** Of several addresses that were tried, the first one's. */
function codeOf(error: unknown): string {
  const [first] = isAggregateError(error) ? error.errors : [error]
  if (typeof first !== 'object' || first === null || !('code' in first)) return ''
  return typeof first.code === 'string' ? first.code : ''
}
