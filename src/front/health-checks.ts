/**
 * Whether what calls need is there: Twilio, ElevenLabs, the store, the sinks of events.
 *
 * @module
 */
import { createHealth, type HealthCheck, type HealthReport } from '../health/checks.js'
import type { OutboxDispatcher } from '../events/outbox-dispatcher.js'
import type { FrontContext } from './context.js'

/** Makes the report of a front door; the host's own checks stand beside ours. */
export function frontHealth(
  { api, clock, store, telephone }: FrontContext,
  dispatcher: OutboxDispatcher | undefined,
  checks: Readonly<Record<string, HealthCheck>>,
): () => Promise<HealthReport> {
  return createHealth({
    clock,
    checks: {
      twilio: {
        run: async () => (((await telephone.accountStatus?.()) ?? 'active') === 'active' ? 'ok' : 'failed'),
      },
      elevenLabs: {
        run: async ({ signal }) => {
          await api.getUser({ signal })
          return 'ok'
        },
      },
      storage: {
        run: async () => {
          await store.getCached({ tenantId: 'health', key: 'health' })
          return 'ok'
        },
      },
      ...(dispatcher && { events: { run: async () => (dispatcher.failingSinks.length > 0 ? 'degraded' : 'ok') } }),
      ...checks,
    },
  })
}
