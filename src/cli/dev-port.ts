/** Where the Postgres of `postbus dev` listens: a config file that `postbus init` has written names it. */
export const DEV_PORT = 54_329
