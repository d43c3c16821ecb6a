/**
 * A connection belongs to no test. A pool opens one for whichever test comes first and lends it to the others, and their
 * callbacks would all run as that first test: its events would be theirs, without a word. So what a connection calls is code
 * that no test has started: it belongs to the only test that runs, and is refused when several do. Promises are not
 * concerned, since `await` goes on in the test that awaits.
 */
import { Socket } from 'node:net'
import { state } from './state.ts'

/** From now on, until the answer is called. */
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
