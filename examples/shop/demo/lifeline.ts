/** Loaded into the demo's workers before anything else: stops a worker in good order when the demo itself was killed. */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume()
