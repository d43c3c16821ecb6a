/** Started by `effects-under-kills.ts`, and killed: works until then. */
import { workWith } from './effects-worker.ts'

const [connectionString = '', names = ''] = process.argv.slice(2)

await workWith(names.split('|'), connectionString)
process.stdout.write('working\n')
process.stdin.on('end', () => process.exit()).resume() // never longer than the test
