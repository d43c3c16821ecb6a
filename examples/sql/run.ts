/** `npm run example:sql`: a trigger and a psql session publish events, and a worker handles them, in a database that is dropped afterwards. */
import { Client } from 'pg'
import { projectDatabase } from '../../config/database.ts'
import { sqlExample } from './session.ts'

const NAME = 'postbus_example_sql'

const project = await projectDatabase()
process.stderr.write(`Database: ${project.which}\n`)
const administrator = new Client({ connectionString: project.connectionString })
await administrator.connect()
try {
  await administrator.query(`drop database if exists ${NAME} with (force)`)
  await administrator.query(`create database ${NAME}`)
  const own = new URL(project.connectionString)
  own.pathname = `/${NAME}`
  await sqlExample(own.href, (line) => process.stdout.write(`${line}\n`))
} finally {
  await administrator.query(`drop database if exists ${NAME} with (force)`)
  await administrator.end()
  await project.release()
}
