/** OpenTelemetry, `postbus/otel`: spans and metrics of publishing and handling. Needs `@opentelemetry/api`, which the rest of Postbus does not. */
export { openTelemetry, type OpenTelemetry, type OpenTelemetryOptions } from './open-telemetry.ts'
export type { ObserveOptions } from './observe.ts'
