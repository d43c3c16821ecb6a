/** The operator page, `postbus/ui`: a web `fetch` handler that shows a bus and acts on it. Needs `hono`, which the rest of Postbus does not. */
export { operatorPage, type OperatorPage, type OperatorPageOptions } from './operator-page.ts'
export { nodeHandler, type NodeHandler } from './node-handler.ts'
export type { Access, AccessAnswer, AccessLevel, Viewer } from './access.ts'
