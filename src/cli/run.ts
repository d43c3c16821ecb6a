/** Runs one command line: finds the command that was named, reads its options, and turns what happens into an exit code. */
import { parseArgs } from 'node:util'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { isError } from '../realm.ts'
import { UsageError, type Command, type ExitCode, type Terminal } from './command.ts'
import { acts } from './acts.ts'
import { asyncapi } from './asyncapi.ts'
import { backlog } from './backlog.ts'
import { dead } from './dead.ts'
import { deliveries } from './deliveries.ts'
import { dev } from './dev.ts'
import { docs } from './docs.ts'
import { doctor } from './doctor.ts'
import { events } from './events.ts'
import { explain } from './explain.ts'
import { health } from './health.ts'
import { commandHelp, overview } from './help.ts'
import { init } from './init.ts'
import { migrate } from './migrate.ts'
import { lanes } from './lanes.ts'
import { log } from './log.ts'
import { nearest } from './nearest.ts'
import { say } from './output.ts'
import { rates } from './rates.ts'
import { replay } from './replay.ts'
import { pause, resume } from './pause.ts'
import { prune } from './prune.ts'
import { schedules } from './schedules.ts'
import { types } from './type-snapshots.ts'
import { ui } from './ui.ts'
import { worker } from './worker.ts'
import { workers } from './workers.ts'

/** In the order in which `--help` lists them. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  init,
  dev,
  migrate,
  worker,
  health,
  doctor,
  dead,
  deliveries,
  lanes,
  log,
  events,
  backlog,
  workers,
  rates,
  explain,
  replay,
  pause,
  resume,
  acts,
  prune,
  schedules,
  types,
  asyncapi,
  docs,
  ui,
}

/** Never rejects: errors are printed on the terminal. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return runCommand(args, terminal).catch((error: unknown) => reportError(terminal, error))
}

async function runCommand(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    terminal.out.write(overview(COMMANDS))
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command)
    throw new UsageError(`postbus has no command "${name}".${nearest(name, Object.keys(COMMANDS))} See: postbus --help`)
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out.write(commandHelp(name, command))
    return 0
  }
  const { options, words } = parse(name, command, rest)
  return command.run({ options, words, terminal })
}

function parse(name: string, command: Command, args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: command.options, allowPositionals: true })
    if (positionals.length > 0 && !command.takesWords)
      throw new UsageError(`postbus ${name} takes no "${positionals[0]}".`)
    return { options: values as Record<string, string | boolean | undefined>, words: positionals }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const message = safeTextOfError(error)
    throw new UsageError(`${message} See: postbus ${name} --help`)
  }
}

/** The message of our own errors explains them; any other error is printed with its stack. */
function reportError(terminal: Terminal, error: unknown): ExitCode {
  if (error instanceof UsageError) {
    say(terminal, error.message)
    return 2
  }
  if (error instanceof PostbusError) say(terminal, `${error.code}: ${error.message}`)
  else say(terminal, isError(error) ? `${safeTextOfError(error)}\n${error.stack ?? ''}` : safeTextOfError(error))
  return 1
}
