/**
 * Makes sure that a network connection belongs to no test. A pool opens a connection for the first test that needs one, and
 * lends it to the others. All their callbacks would run as that first test, which would silently get their events. So code
 * that a connection calls counts as started by no test: its events belong to the only running test, and are refused when
 * several tests run. Promises are not affected, since `await` continues in the test that awaits.
 */
import { Socket } from 'node:net'
import { state } from './state.ts'

/** Takes effect now, until the returned function is called. */
export function freeConnections(): () => void {
  const { connect } = Socket.prototype
  const connectAsNobody = function (this: Socket, ...given: never[]): Socket {
    return state.current.getStore()
      ? state.current.exit(() => Reflect.apply(connect, this, given))
      : Reflect.apply(connect, this, given)
  }
  Socket.prototype.connect = connectAsNobody
  return () => {
    if (Socket.prototype.connect === connectAsNobody) Socket.prototype.connect = connect
  }
}
