/**
 * Claims, leases, tokens, cached values, and clocks that differ.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { atOnce, scene, tally, type ConformanceCase } from './subject.js'

/** Cases about how processes agree. */
export const coordinationCases: readonly ConformanceCase[] = [
  scene(
    'of 50 that claim a key at once, in two processes, one is told to do it',
    async ({ store, another, tenantId }) => {
      const second = await another()
      const outcomes = await atOnce(50, (i) =>
        (i % 2 ? store : second).claimKey({ tenantId, key: 'CA1/completed/3', leaseMs: 1000 }),
      )
      assert.deepEqual(tally(outcomes), { claimed: 1, 'in-progress': 49 })
    },
  ),

  scene(
    'what was committed is told to everybody who asks later',
    async ({ store, another, tenantId, otherTenantId }) => {
      const first = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      assert.ok(first.outcome === 'claimed' && !first.isRetry)
      assert.equal(await store.commitClaim(first.claim, { result: { callSid: 'CA1' }, keepMs: 60_000 }), true)
      assert.equal(await store.commitClaim(first.claim, { result: { callSid: 'CA1' }, keepMs: 60_000 }), true)
      assert.equal(await store.abandonClaim(first.claim), false)
      const later = await (await another()).claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      assert.deepEqual(later, { outcome: 'done', result: { callSid: 'CA1' } })
      assert.equal((await store.claimKey({ tenantId: otherTenantId, key: 'k', leaseMs: 1000 })).outcome, 'claimed')
    },
  ),

  scene(
    'a claimer that dies loses its claim when it runs out, and cannot commit over the next',
    async ({ store, tenantId, clock }) => {
      const first = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      clock.advance(999)
      assert.deepEqual(await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 }), {
        outcome: 'in-progress',
        untilAt: clock.now() + 1,
      })
      clock.advance(1)
      const second = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      assert.ok(first.outcome === 'claimed' && second.outcome === 'claimed' && second.isRetry)
      assert.equal(await store.commitClaim(first.claim, { result: 'late', keepMs: 1000 }), false)
      assert.equal(await store.commitClaim(second.claim, { result: 'mine', keepMs: 1000 }), true)
      assert.deepEqual(await store.claimKey({ tenantId, key: 'k', leaseMs: 1 }), { outcome: 'done', result: 'mine' })
    },
  ),

  scene('a slow claimer may commit as long as nobody has claimed the key', async ({ store, tenantId, clock }) => {
    const first = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
    clock.advance(5000)
    assert.ok(first.outcome === 'claimed')
    assert.equal(await store.commitClaim(first.claim, { keepMs: 1000 }), true)
    assert.deepEqual(await store.claimKey({ tenantId, key: 'k', leaseMs: 1 }), { outcome: 'done', result: undefined })
  }),

  scene(
    'an abandoned key is free at once, and a kept result is forgotten in time',
    async ({ store, tenantId, clock }) => {
      const first = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      assert.ok(first.outcome === 'claimed')
      assert.equal(await store.abandonClaim(first.claim), true)
      const second = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      assert.ok(second.outcome === 'claimed' && !second.isRetry)
      await store.commitClaim(second.claim, { keepMs: 10_000 })
      clock.advance(10_000)
      const third = await store.claimKey({ tenantId, key: 'k', leaseMs: 1000 })
      assert.ok(third.outcome === 'claimed' && !third.isRetry)
    },
  ),

  scene(
    'of 20 that take a lease at once one has it, and takes it again with the same fence',
    async ({ store, another, tenantId }) => {
      const second = await another()
      const take = (holder: string, by = store) => by.takeLease({ tenantId, name: 'reaper', holder, ttlMs: 1000 })
      const outcomes = await atOnce(20, (i) => take(`h${i}`, i % 2 ? store : second))
      assert.deepEqual(tally(outcomes), { taken: 1, held: 19 })
      const [won] = outcomes.filter((outcome) => outcome.outcome === 'taken')
      assert.ok(won?.outcome === 'taken')
      const again = await take(won.lease.holder)
      assert.ok(again.outcome === 'taken')
      assert.equal(again.lease.fence, won.lease.fence)
    },
  ),

  scene(
    'a holder that dies loses its lease, and the next has a greater fence',
    async ({ store, another, tenantId, clock }) => {
      const first = await store.takeLease({ tenantId, name: 'l', holder: 'a', ttlMs: 1000 })
      assert.ok(first.outcome === 'taken')
      const second = await another()
      clock.advance(999)
      assert.deepEqual(await second.takeLease({ tenantId, name: 'l', holder: 'b', ttlMs: 1000 }), {
        outcome: 'held',
        untilAt: first.lease.untilAt,
      })
      clock.advance(1)
      const taken = await second.takeLease({ tenantId, name: 'l', holder: 'b', ttlMs: 1000 })
      assert.ok(taken.outcome === 'taken' && taken.lease.fence > first.lease.fence)
      assert.equal(await store.renewLease(first.lease, 1000), undefined)
      assert.equal(await store.releaseLease(first.lease), false)
      assert.ok(await second.renewLease(taken.lease, 1000))
    },
  ),

  scene(
    'a renewed lease lives on, a lease that ran out cannot be renewed, a released one is free',
    async ({ store, tenantId, clock }) => {
      const take = (holder: string) => store.takeLease({ tenantId, name: 'l', holder, ttlMs: 1000 })
      const first = await take('a')
      assert.ok(first.outcome === 'taken')
      clock.advance(900)
      assert.equal((await store.renewLease(first.lease, 1000))?.untilAt, clock.now() + 1000)
      clock.advance(900)
      assert.equal((await take('b')).outcome, 'held')
      assert.equal(await store.releaseLease(first.lease), true)
      const second = await take('b')
      assert.ok(second.outcome === 'taken' && second.lease.fence > first.lease.fence)
      clock.advance(1000)
      assert.equal(await store.renewLease(second.lease, 1000), undefined)
    },
  ),

  scene('fences grow even when the clock stands still or goes back', async ({ store, tenantId }) => {
    let last = 0
    for (let i = 0; i < 4; i++) {
      const taken = await store.takeLease({ tenantId, name: 'l', holder: `h${i}`, ttlMs: 1000 })
      assert.ok(taken.outcome === 'taken' && taken.lease.fence > last)
      last = taken.lease.fence
      await store.releaseLease(taken.lease)
    }
  }),

  scene(
    'a token is redeemed once, for its subject, in time',
    async ({ store, another, tenantId, otherTenantId, clock }) => {
      const token = randomUUID()
      const put = (name: string) => store.putToken({ tenantId, token: name, subject: 'CA1', ttlMs: 1000 })
      assert.equal(await put(token), 'added')
      assert.equal(await put(token), 'exists')
      assert.equal(await store.redeemToken({ tenantId: otherTenantId, token, subject: 'CA1' }), false)
      const second = await another()
      const redeemed = await atOnce(20, (i) =>
        (i % 2 ? store : second).redeemToken({ tenantId, token, subject: 'CA1' }),
      )
      assert.equal(redeemed.filter(Boolean).length, 1)
      await put('wrong')
      assert.equal(await store.redeemToken({ tenantId, token: 'wrong', subject: 'CA2' }), false)
      assert.equal(
        await store.redeemToken({ tenantId, token: 'wrong', subject: 'CA1' }),
        false,
        'shown for a wrong subject it is spent',
      )
      await put('late')
      clock.advance(1000)
      assert.equal(await store.redeemToken({ tenantId, token: 'late', subject: 'CA1' }), false)
      assert.equal(await store.redeemToken({ tenantId, token: 'never', subject: 'CA1' }), false)
    },
  ),

  scene(
    'a cached value is had until it is too old or dropped, and the last of several stands',
    async ({ store, another, tenantId, clock }) => {
      const key = 'context:L1'
      assert.equal(await store.getCached({ tenantId, key }), undefined)
      await store.setCached({ tenantId, key, value: { a: 1 }, ttlMs: 1000 })
      await store.setCached({ tenantId, key, value: { a: 2, list: ['ü'] }, ttlMs: 2000 })
      clock.advance(1500)
      assert.deepEqual(await (await another()).getCached({ tenantId, key }), { a: 2, list: ['ü'] })
      clock.advance(500)
      assert.equal(await store.getCached({ tenantId, key }), undefined)
      await store.setCached({ tenantId, key, value: 'x', ttlMs: 1000 })
      await store.dropCached({ tenantId, key })
      assert.equal(await store.getCached({ tenantId, key }), undefined)
    },
  ),

  scene('what ran out long ago is forgotten, and what has not stays', async ({ store, tenantId, clock }) => {
    await store.setCached({ tenantId, key: 'old', value: 1, ttlMs: 1000 })
    await store.setCached({ tenantId, key: 'new', value: 1, ttlMs: 3 * 86_400_000 })
    clock.advance(2 * 86_400_000)
    assert.ok((await store.removeExpired()) >= 0)
    assert.equal(await store.getCached({ tenantId, key: 'new' }), 1)
    assert.equal(await store.getCached({ tenantId, key: 'old' }), undefined)
  }),

  scene('a duration that is none is a RangeError', async ({ store, tenantId }) => {
    for (const ms of [0, -1, 1.5, Number.NaN, Infinity]) {
      await assert.rejects(async () => store.claimKey({ tenantId, key: 'k', leaseMs: ms }), RangeError)
      await assert.rejects(async () => store.takeLease({ tenantId, name: 'l', holder: 'h', ttlMs: ms }), RangeError)
    }
  }),
]

/**
 * Cases for drivers that take the time from their server, as they do unless they are given a clock: hosts' clocks that differ change nothing.
 * A driver in one process has no other clock and leaves these out.
 */
export const serverTimeCases: readonly ConformanceCase[] = [
  {
    name: 'a host whose clock is an hour ahead takes no lease, no claim and no work from others',
    async run(makeStore) {
      const tenantId = `t-${randomUUID()}`
      const store = await makeStore({})
      const lease = await store.takeLease({ tenantId, name: 'l', holder: 'a', ttlMs: 60_000 })
      await store.claimKey({ tenantId, key: 'k', leaseMs: 60_000 })
      const dueAt = Date.now()
      await store.scheduleWork({ tenantId, workId: 'w1', queue: tenantId, dueAt: dueAt - 1000, payload: null })
      await store.scheduleWork({ tenantId, workId: 'w2', queue: tenantId, dueAt: dueAt + 600_000, payload: null })
      const take = { tenantId, queue: tenantId, limit: 10, visibilityMs: 60_000 }
      assert.deepEqual(
        (await store.takeDueWork(take)).map(({ work }) => work.workId),
        ['w1'],
      )
      const { now } = Date
      Date.now = () => now() + 3_600_000
      try {
        const ahead = await makeStore({})
        assert.equal((await ahead.takeLease({ tenantId, name: 'l', holder: 'b', ttlMs: 60_000 })).outcome, 'held')
        assert.equal((await ahead.claimKey({ tenantId, key: 'k', leaseMs: 60_000 })).outcome, 'in-progress')
        assert.deepEqual(await ahead.takeDueWork(take), [])
      } finally {
        Date.now = now
      }
      assert.ok(lease.outcome === 'taken' && (await store.renewLease(lease.lease, 60_000)))
    },
  },
]
