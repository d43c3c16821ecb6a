/** Loaded first in each worker of the demo: stops the worker in good order when the demo itself was killed. */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume()
