/** The order of the docs: each section of the site with its pages. A page of docs/ that is missing here fails `test/docs-site.test.ts`. */

export interface Section {
  readonly title: string
  readonly pages: readonly Page[]
}

/** A page and its file, relative to the root of the repository. The name is short, for the sidebar; the page has its own heading. */
export interface Page {
  readonly name: string
  readonly file: string
}

/** The folder of the decisions. Each file in it is a page; they are sorted by their numbers. */
export const DECISIONS = 'docs/decisions'

export const SECTIONS: readonly Section[] = [
  {
    title: 'Introduction',
    pages: [
      { name: 'Postbus', file: 'README.md' },
      { name: 'Why Postbus', file: 'docs/why.md' },
      { name: 'Concepts', file: 'docs/concepts.md' },
      { name: 'Guarantees', file: 'docs/guarantees.md' },
    ],
  },
  {
    title: 'Guides',
    pages: [
      { name: 'Events', file: 'docs/events.md' },
      { name: 'Publishing', file: 'docs/publishing.md' },
      { name: 'Handlers', file: 'docs/handlers.md' },
      { name: 'Ordering', file: 'docs/ordering.md' },
      { name: 'Retries and dead letters', file: 'docs/retries.md' },
      { name: 'Fairness', file: 'docs/fairness.md' },
      { name: 'Pace', file: 'docs/pace.md' },
      { name: 'Testing', file: 'docs/testing.md' },
      { name: 'Workers', file: 'docs/workers.md' },
      { name: 'Looking at what happened', file: 'docs/record.md' },
      { name: 'Evolution', file: 'docs/evolution.md' },
      { name: 'Event catalog', file: 'docs/catalog.md' },
      { name: 'Replay and backfill', file: 'docs/replay.md' },
      { name: 'Exactly once', file: 'docs/transactions.md' },
      { name: 'Handlers that read the log', file: 'docs/log-handlers.md' },
      { name: 'Batches', file: 'docs/batches.md' },
      { name: 'Delays and schedules', file: 'docs/on-time.md' },
      { name: 'Broadcasts', file: 'docs/broadcast.md' },
      { name: 'Receiving', file: 'docs/receiving.md' },
      { name: 'Middleware', file: 'docs/middleware.md' },
      { name: 'Telemetry', file: 'docs/telemetry.md' },
      { name: 'Operator page', file: 'docs/operator-page.md' },
      { name: 'Mounting the operator page', file: 'docs/operator-page-mounting.md' },
      { name: 'Nest', file: 'docs/nestjs.md' },
      { name: 'Fastify, Express, Hono, Next', file: 'docs/frameworks.md' },
      { name: 'Relays and webhooks', file: 'docs/relays.md' },
      { name: 'Brokers', file: 'docs/brokers.md' },
      { name: 'JetStream as the engine', file: 'docs/jetstream.md' },
      { name: 'SQL publishers', file: 'docs/sql.md' },
      { name: 'Many tenants', file: 'docs/multi-tenancy.md' },
    ],
  },
  {
    title: 'Running it',
    pages: [
      { name: 'Installing and configuring', file: 'docs/configuration.md' },
      { name: 'Deploy', file: 'docs/deploy.md' },
      { name: 'Checklist', file: 'docs/running/checklist.md' },
      { name: 'When something is wrong', file: 'docs/runbook.md' },
      { name: 'Connections and poolers', file: 'docs/connections.md' },
      { name: 'Operating', file: 'docs/operating.md' },
      { name: 'Roles and grants', file: 'docs/roles.md' },
      { name: 'Health', file: 'docs/health.md' },
      { name: 'Managed Postgres and poolers', file: 'docs/running/managed-postgres.md' },
      { name: 'Sizing', file: 'docs/running/sizing.md' },
      { name: 'A million events a second', file: 'docs/running/a-million-events.md' },
      { name: 'Upgrades', file: 'docs/running/upgrades.md' },
      { name: 'When old rows cannot be cleared', file: 'docs/running/held-xmin.md' },
      { name: 'Retention and privacy', file: 'docs/running/retention-and-privacy.md' },
      { name: 'Backup and fail-over', file: 'docs/running/backup-and-failover.md' },
    ],
  },
  {
    title: 'Coming from',
    pages: [
      { name: 'EventEmitter2', file: 'docs/coming-from/eventemitter2.md' },
      { name: 'Nest CQRS', file: 'docs/coming-from/nest-cqrs.md' },
      { name: 'pg-boss', file: 'docs/coming-from/pg-boss.md' },
      { name: 'graphile-worker', file: 'docs/coming-from/graphile-worker.md' },
      { name: 'BullMQ', file: 'docs/coming-from/bullmq.md' },
      { name: 'An outbox of your own', file: 'docs/coming-from/outbox.md' },
      { name: 'Oban and event_bus', file: 'docs/coming-from/oban-event-bus.md' },
      { name: 'Line by line', file: 'docs/port-checklist.md' },
    ],
  },
  {
    title: 'Reference',
    pages: [
      { name: 'Command line', file: 'docs/reference/cli.md' },
      { name: 'Options', file: 'docs/reference/options.md' },
      { name: 'Error codes', file: 'docs/reference/errors.md' },
      { name: 'Signals', file: 'docs/reference/signals.md' },
      { name: 'Metrics', file: 'docs/reference/metrics.md' },
      { name: 'Tables', file: 'docs/reference/tables.md' },
    ],
  },
  {
    title: 'Inside',
    pages: [
      { name: 'Architecture', file: 'docs/architecture.md' },
      { name: 'Performance', file: 'docs/performance.md' },
      { name: 'Promises and their tests', file: 'docs/promises.md' },
      { name: 'Contributing', file: 'CONTRIBUTING.md' },
      { name: 'Security', file: 'SECURITY.md' },
      { name: 'Changelog', file: 'CHANGELOG.md' },
    ],
  },
]
