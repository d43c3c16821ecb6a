/** The port of the Postgres of `postbus dev`, which the config file written by `postbus init` names. */
export const DEV_PORT = 54_329
