/** A worker process that `effects-under-kills.ts` starts, and later kills. */
import { workWith, type Kind } from './effects-worker.ts'

const [connectionString = '', names = '', kind = '{}'] = process.argv.slice(2)

await workWith(names.split('|'), JSON.parse(kind) as Kind, connectionString)
process.stdout.write('working\n')
process.stdin.on('end', () => process.exit()).resume() // it never outlives the test
