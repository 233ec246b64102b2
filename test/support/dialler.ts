/** Places one call on a real store and says so at the step that it is told to die at; then it waits to be killed. */
import pg from 'pg'
import { Redis } from 'ioredis'
import type { Gate } from '../../src/compliance/gate.js'
import { CallPlacer } from '../../src/calls/place-call.js'
import type { CallRequest, Telephone, TelephoneCall } from '../../src/calls/telephone.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'

const [kind = '', where = '', tenantId = '', step = '', exchange = ''] = process.argv.slice(2)
const store =
  kind === 'redis'
    ? createRedisStore({ client: new Redis(where) })
    : createPostgresStore({ client: new pg.Pool({ connectionString: where }), operationTimeoutMs: 60_000 })

const dieHere = (): Promise<never> => {
  process.stdout.write('here\n')
  setInterval(() => undefined, 1000)
  return new Promise(() => undefined)
}

const gate: Pick<Gate, 'admit'> = {
  async admit({ leadId, attemptId = '' }) {
    const attempt = { tenantId, attemptId, phoneNumber: '+12025550101', leadId, campaignId: null, decisionId: 'd', attemptedAt: Date.now(), state: 'reserved' as const, callSid: null, disposition: null } // prettier-ignore
    await store.reserveAttempt({ attempt, caps: [] })
    return { outcome: 'admitted', decision: {} as never, decisionId: 'd', attemptId, phoneNumber: '+12025550101' }
  },
}
const telephone: Pick<Telephone, 'createCall'> = {
  async createCall(request: CallRequest) {
    const answer = await fetch(exchange, { method: 'POST', body: JSON.stringify(request) })
    const call = (await answer.json()) as TelephoneCall
    return step === 'dialled' ? dieHere() : call
  },
}
await new CallPlacer({
  gate: gate as Gate,
  telephone: telephone as Telephone,
  store,
  urls: { voice: () => 'https://a.example/v', status: 'https://a.example/s', recording: '', machineDetection: '' },
  fromNumbers: ['+12025550199'],
  hooks: { beforeDial: () => (step === 'reserved' ? dieHere() : undefined) },
}).place({ tenantId, leadId: 'l', sellerId: 's', via: 'bridge', recording: 'off', attemptId: 'a' })
