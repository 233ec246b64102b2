/** Two workers on one real store: at one lead, at one webhook, and one of them killed with -9 between two steps. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Admission, Gate } from '../../src/compliance/gate.js'
import { CallWebhooks } from '../../src/calls/call-webhooks.js'
import { CallPlacer } from '../../src/calls/place-call.js'
import { Reconciler } from '../../src/calls/reconcile.js'
import { WorkLoop } from '../../src/calls/work-loop.js'
import { RECONCILE_QUEUE, WEBHOOK_QUEUE } from '../../src/calls/work-queues.js'
import { ManualClock, type Clock } from '../../src/core/clock.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'
import type { Store } from '../../src/storage/store.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'
import { FakeTelephone, FROM, TO } from './setup.js'

const redisUrl = process.env['REDIS_URL']

interface Place {
  readonly name: string
  readonly isThere: boolean
  readonly open: () => Promise<{ where: string; store: (clock: Clock) => Store; close: () => Promise<void> }>
}

const PLACES: readonly Place[] = [
  {
    name: `PostgreSQL${databaseUrl ? '' : ' (skipped: set DATABASE_URL)'}`,
    isThere: databaseUrl !== undefined,
    open: async () => {
      const { pool, url, drop } = await ownDatabase()
      await createPostgresStore({ client: pool }).migrate()
      const store = (clock: Clock) => createPostgresStore({ client: pool, clock, operationTimeoutMs: 600_000 })
      return { where: url, store, close: drop }
    },
  },
  {
    name: `Redis${redisUrl ? '' : ' (skipped: set REDIS_URL)'}`,
    isThere: redisUrl !== undefined,
    open: async () => {
      const client = new Redis(redisUrl ?? '')
      const store = (clock: Clock) => createRedisStore({ client, clock, operationTimeoutMs: 600_000 })
      await createRedisStore({ client }).migrate()
      return {
        where: redisUrl ?? '',
        store,
        close: async () => {
          client.disconnect()
        },
      }
    },
  },
]

describe.each(PLACES)('in $name', ({ name, isThere, open }) => {
  let opened: Awaited<ReturnType<Place['open']>>
  beforeAll(async () => {
    if (isThere) opened = await open()
  }, 60_000)
  afterAll(async () => {
    if (isThere) await opened.close()
  })

  function worker(store: Store, clock: ManualClock, telephone: FakeTelephone, ends: string[]) {
    const gate: Pick<Gate, 'admit'> = {
      async admit({ tenantId, leadId, attemptId = '' }): Promise<Admission> {
        const attempt = { tenantId, attemptId, phoneNumber: TO, leadId, campaignId: null, decisionId: 'd', attemptedAt: clock.now(), state: 'reserved' as const, callSid: null, disposition: null } // prettier-ignore
        const caps = [{ capId: 'three', maxAttempts: 3, windowMs: 86_400_000 }]
        const reserved = await store.reserveAttempt({ attempt, caps })
        if (reserved.outcome === 'refused') return { outcome: 'refused', decision: { nextAllowedAt: null } as never, decisionId: 'd', isLeadFlagged: false } // prettier-ignore
        return { outcome: 'admitted', decision: {} as never, decisionId: 'd', attemptId, phoneNumber: TO }
      },
    }
    const urls = { voice: () => 'https://a.example/v', status: 'https://a.example/s', recording: '', machineDetection: '' } // prettier-ignore
    const shared = { store, telephone, clock }
    const placer = new CallPlacer({ ...shared, gate: gate as Gate, urls, fromNumbers: [FROM] })
    const onStatus = ({ call, isEnd }: { call: { callSid: string }; isEnd: boolean }) => {
      if (isEnd) ends.push(call.callSid)
    }
    const webhooks = new CallWebhooks({ ...shared, onStatus })
    const reconciler = new Reconciler({ ...shared, onStatus })
    const handlers = { [WEBHOOK_QUEUE]: webhooks.process, [RECONCILE_QUEUE]: reconciler.process }
    const loop = new WorkLoop({ store, clock, handlers })
    return { placer, webhooks, loop }
  }

  test.skipIf(!isThere)(
    'at one lead: no attempt is dialled twice, and no more than its cap allows',
    { timeout: 60_000 },
    async () => {
      const tenantId = `t-${randomUUID()}`
      const clock = new ManualClock(Date.now())
      const telephone = new FakeTelephone(clock)
      const workers = [0, 1].map(() => worker(opened.store(clock), clock, telephone, []))
      const request = { tenantId, leadId: 'l', sellerId: 's', via: 'bridge', recording: 'off' } as const
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          workers.map(({ placer }) => placer.place({ ...request, attemptId: `a${i}` })),
        ).flat(),
      )
      expect(telephone.dialled).toHaveLength(3)
      const placed = results.filter((result) => result.outcome === 'placed')
      expect(new Set(placed.map(({ callSid }) => callSid)).size).toBe(3)
    },
  )

  test.skipIf(!isThere)(
    'at one call: webhooks in any order, twice, at both, are one end',
    { timeout: 60_000 },
    async () => {
      const tenantId = `t-${randomUUID()}`
      const clock = new ManualClock(Date.now())
      const telephone = new FakeTelephone(clock)
      const ends: string[] = []
      const workers = [0, 1].map(() => worker(opened.store(clock), clock, telephone, ends))
      const placed = await workers[0]!.placer.place({ tenantId, leadId: 'l', sellerId: 's', via: 'bridge', recording: 'off', attemptId: 'a' }) // prettier-ignore
      const callSid = placed.outcome === 'placed' ? placed.callSid : ''
      const statuses = ['initiated', 'ringing', 'in-progress', 'completed'].map((callStatus, i) => ({
        kind: 'status' as const,
        tenantId,
        params: { CallSid: callSid, CallStatus: callStatus, SequenceNumber: String(i), CallbackSource: 'call-progress-events', CallDuration: '42' }, // prettier-ignore
      }))
      await Promise.all(statuses.reverse().flatMap((webhook) => [...workers, ...workers].map(({ webhooks }) => webhooks.accept(webhook)))) // prettier-ignore
      for (let i = 0; i < 4; i++) {
        for (const { loop } of workers) loop.kick()
        await Promise.all(workers.map(({ loop }) => loop.idle()))
        clock.advance(1000)
      }
      expect(ends).toEqual([callSid])
      expect(await opened.store(clock).findCall({ tenantId, callSid })).toMatchObject({ callStatus: 'completed', durationS: 42, attemptId: 'a' }) // prettier-ignore
    },
  )

  test.skipIf(!isThere).each([
    ['reserved', 0, 'released'],
    ['dialled', 1, 'placed'],
  ] as const)(
    'killed with -9 once it had %s: %i calls, the attempt is %s, and nobody dials again',
    async (step, calls, state) => {
      const tenantId = `t-${randomUUID()}`
      const clock = new ManualClock(Date.now())
      const telephone = new FakeTelephone(clock)
      const exchange = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk: Buffer) => (body += chunk.toString()))
        request.on('end', () => void telephone.createCall(JSON.parse(body) as never).then((call) => response.end(JSON.stringify(call)))) // prettier-ignore
      })
      await new Promise<void>((resolve) => exchange.listen(0, '127.0.0.1', resolve))
      const { port } = exchange.address() as AddressInfo
      const script = new URL('../support/dialler.ts', import.meta.url).pathname
      const kind = name.startsWith('Redis') ? 'redis' : 'postgres'
      const args = ['--import', 'tsx', script, kind, opened.where, tenantId, step, `http://127.0.0.1:${port}/`]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve())
        child.once('exit', (code) => reject(new Error(`the worker ended with ${String(code)}`)))
      })
      const gone = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      await gone

      clock.advance(Date.now() - clock.now() + 121_000) // its claim has run out
      const store = opened.store(clock)
      const { placer, loop } = worker(store, clock, telephone, [])
      const request = { tenantId, leadId: 'l', sellerId: 's', via: 'bridge', recording: 'off', attemptId: 'a' } as const
      expect(await placer.place(request)).toMatchObject({ outcome: 'submission-unknown' })
      for (let i = 0; i < 15; i++) {
        clock.advance(20_000)
        loop.kick()
        await loop.idle()
      }
      expect(telephone.dialled).toHaveLength(calls)
      expect(await store.findAttempt({ tenantId, attemptId: 'a' })).toMatchObject({ state })
      expect((await store.listCalls({ tenantId })).items).toHaveLength(calls)
      expect(await placer.place(request)).toMatchObject({ outcome: calls === 1 ? 'placed' : 'submission-unknown' })
      expect(telephone.dialled).toHaveLength(calls)
      exchange.close()
    },
    90_000,
  )
})
