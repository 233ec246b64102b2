/**
 * Whether what calls need is there: Twilio, ElevenLabs, the store.
 *
 * @module
 */
import { createHealth, type HealthCheck, type HealthReport } from '../health/checks.js'
import type { FrontContext } from './context.js'

/** Makes the report of a front door; the host's own checks stand beside ours. */
export function frontHealth(
  { api, clock, store, telephone }: FrontContext,
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
      ...checks,
    },
  })
}
