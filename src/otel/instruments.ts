/** The metrics, made when the first is measured: an SDK that is registered until then gets them. */
import { metrics, type MeterProvider } from '@opentelemetry/api'

export function instrumentsOf(provider: MeterProvider | undefined) {
  let made: ReturnType<typeof make> | undefined
  return () => (made ??= make(provider ?? metrics.getMeterProvider()))
}

function make(provider: MeterProvider) {
  const meter = provider.getMeter('postbus')
  return {
    sent: meter.createCounter('messaging.client.sent.messages', {
      unit: '{message}',
      description: 'Events published.',
    }),
    consumed: meter.createCounter('messaging.client.consumed.messages', {
      unit: '{message}',
      description: 'Attempts of handlers.',
    }),
    publishDuration: meter.createHistogram('messaging.client.operation.duration', {
      unit: 's',
      description: 'How long publishing took.',
    }),
    processDuration: meter.createHistogram('messaging.process.duration', {
      unit: 's',
      description: 'How long attempts ran.',
    }),
    latency: meter.createHistogram('postbus.delivery.latency', {
      unit: 's',
      description: 'From when an event happened, by the clock of its publisher, until its first attempt began.',
    }),
    deadLetters: meter.createCounter('postbus.dead_letters', {
      unit: '{delivery}',
      description: 'Deliveries that have become dead letters.',
    }),
    claimsLost: meter.createCounter('postbus.claims.lost', {
      unit: '{delivery}',
      description: 'Deliveries that another worker has taken over while they ran.',
    }),
  }
}
