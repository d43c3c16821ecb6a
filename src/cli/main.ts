#!/usr/bin/env node
/** The `postbus` command. */
import { run } from './run.ts'

run(process.argv.slice(2), { out: process.stdout, err: process.stderr, in: process.stdin })
  // A handler that was given up at shutdown may still hold the process open.
  .then((code) => process.exit(code))
  .catch(() => process.exit(1))
