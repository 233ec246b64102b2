import { expect, test } from 'vitest'
import { EventFeed, type AnyFeedEvent } from '../../src/events/feed.js'

const told = (feed: EventFeed, callSid: string, callStatus: string, tenantId = 't'): void =>
  feed.tell({ tenantId, eventId: 'e', key: 'k', type: 'call.status-changed', data: { callSid, callStatus }, occurredAt: 5 }) // prettier-ignore
const statusOf = (event: AnyFeedEvent): string =>
  event.type === 'call.status-changed' ? event.data.callStatus : event.type

test('a listener hears its event with its data, and `event` hears all of them', () => {
  const feed = new EventFeed()
  const heard: string[] = []
  feed.on('call.status-changed', ({ data: { callSid, callStatus }, occurredAt }) => heard.push(`${callSid} ${callStatus} ${occurredAt}`)) // prettier-ignore
  feed.on('event', ({ type }) => heard.push(type))
  told(feed, 'CA1', 'ringing')
  expect(heard).toEqual(['CA1 ringing 5', 'call.status-changed'])
})

test('a host’s event that is named `event` is told once', () => {
  const feed = new EventFeed()
  let count = 0
  feed.on('event', () => count++)
  feed.tell({ tenantId: 't', eventId: 'e', key: 'k', type: 'event', data: {}, occurredAt: 0 })
  expect(count).toBe(1)
})

test('a reader sees one tenant and one call, in order, and stops when its signal says so', async () => {
  const feed = new EventFeed()
  const abort = new AbortController()
  const seen: string[] = []
  const reading = (async () => {
    for await (const event of feed.events({ tenantId: 't', callSid: 'CA1', signal: abort.signal }))
      seen.push(statusOf(event))
  })()
  await Promise.resolve()
  told(feed, 'CA1', 'ringing')
  told(feed, 'CA2', 'ringing')
  told(feed, 'CA1', 'failed', 'another')
  told(feed, 'CA1', 'completed')
  await new Promise((resolve) => setImmediate(resolve))
  abort.abort()
  await reading
  expect(seen).toEqual(['ringing', 'completed'])
  expect(feed.listenerCount('event')).toBe(0)
})

test('a reader that is too slow loses the oldest, is told how many, and holds nobody up', async () => {
  const feed = new EventFeed()
  const missed: number[] = []
  const reader = feed.events({ maxWaiting: 2, onMissed: (count) => missed.push(count) })
  const first = reader.next()
  for (const status of ['queued', 'ringing', 'in-progress', 'completed']) told(feed, 'CA1', status)
  const seen = [await first, await reader.next()].map(({ value }) => statusOf(value as AnyFeedEvent))
  expect(seen).toEqual(['in-progress', 'completed'])
  expect(missed).toEqual([2])
  await reader.return()
  expect(feed.listenerCount('event')).toBe(0)
})

test('a bound that cannot be is refused', async () => {
  await expect(new EventFeed().events({ maxWaiting: 0 }).next()).rejects.toThrow(RangeError)
})
