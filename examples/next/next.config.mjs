/** Postbus and pg are used as they are installed, and not bundled. */
// oxlint-disable-next-line import/no-default-export -- Next asks for it
export default { serverExternalPackages: ['postbus', 'pg', 'pg-boss'] }
