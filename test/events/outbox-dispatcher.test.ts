import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VendorError } from '../../src/core/errors.js'
import { EventFeed } from '../../src/events/feed.js'
import { voiceEvent } from '../../src/events/map.js'
import { OutboxDispatcher } from '../../src/events/outbox-dispatcher.js'
import { storableJson } from '../../src/storage/json.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import { FakeSink, setup, SOURCE } from './setup.js'

const DOWN = new Error('connect ECONNREFUSED +12025550101')
const never = (): Promise<void> => new Promise(() => undefined)
const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

describe('one sink', () => {
  test('gets each event once, in the order of its call, and the outbox is empty then', async () => {
    const sink = new FakeSink()
    const { addCall, tell, pass, store } = setup({ one: sink })
    await addCall('CA1')
    await addCall('CA2')
    await tell('CA1', 2, 3)
    await tell('CA2', 2)
    await tell('CA1', 4)
    await pass()
    expect(sink.order.filter((one) => one.startsWith('CA1'))).toEqual(['CA1:1', 'CA1:2', 'CA1:3', 'CA1:4'])
    expect(sink.order.filter((one) => one.startsWith('CA2'))).toEqual(['CA2:1', 'CA2:2'])
    expect(await store.takeEvents({ tenantId: 't', limit: 10, visibilityMs: 1 })).toEqual([])
  })

  test('gets a CloudEvent 1.0', async () => {
    const sink = new FakeSink()
    const { store, pass } = setup({ one: sink })
    const happened = voiceEvent('call.ended', {
      callSid: 'CA1',
      callStatus: 'completed',
      outcome: 'answered',
      durationS: 9,
    })
    await store.appendEvents({
      tenantId: 't',
      key: 'k',
      events: [{ ...happened, occurredAt: Date.UTC(2026, 0, 5, 15) }],
    })
    await pass()
    expect(sink.taken).toEqual([
      {
        specversion: '1.0',
        id: expect.stringMatching(/^evt_[\w-]{27}$/),
        source: SOURCE,
        type: 'callweave.call.ended',
        subject: 'CA1',
        time: '2026-01-05T15:00:00.000Z',
        datacontenttype: 'application/json',
        tenantid: 't',
        data: { callSid: 'CA1', callStatus: 'completed', outcome: 'answered', durationS: 9 },
      },
    ])
  })

  test('that fails gets the same event again under the same id, later and later, and what is behind it waits', async () => {
    const sink = new FakeSink()
    let failures = 3
    sink.behave = () => {
      if (failures-- > 0) throw DOWN
    }
    const { addCall, tell, pass } = setup({ one: sink })
    await addCall('CA1')
    await tell('CA1', 2)
    await pass()
    for (const waitMs of [1000, 2000, 4000]) {
      await pass(waitMs - 1)
      const before = sink.deliveries.length
      await pass(1)
      expect(sink.deliveries.length).toBeGreaterThan(before)
    }
    expect(sink.order).toEqual(['CA1:1', 'CA1:2'])
    expect(new Set(sink.deliveries.slice(0, 4).map(({ event }) => event.id)).size).toBe(1)
    expect(sink.deliveries.map(({ tries }) => tries)).toEqual([1, 2, 3, 4, 1])
  })

  test('that asks for time gets it, within the longest wait', async () => {
    const sink = new FakeSink()
    sink.behave = ({ tries }) => {
      if (tries === 1) throw new VendorError('event_not_taken', 'busy', { retryAfterMs: 30_000 })
    }
    const { addCall, pass } = setup({ one: sink })
    await addCall('CA1')
    await pass()
    await pass(29_999)
    expect(sink.deliveries).toHaveLength(1)
    await pass(1)
    expect(sink.order).toEqual(['CA1:1'])
  })

  test('that never takes an event has it parked after so many tries, with the reason, and gets the next one', async () => {
    const sink = new FakeSink()
    sink.behave = ({ event }) => {
      if ((event.data as { n: number }).n === 1) throw DOWN
    }
    const { addCall, tell, pass, store, parked } = setup({ one: sink }, { maxTries: 4 })
    await addCall('CA1')
    await tell('CA1', 2)
    for (let i = 0; i < 5; i++) await pass(60_000)
    expect(sink.order).toEqual(['CA1:2'])
    const kept = await store.listParkedEvents({ tenantId: 't' })
    expect(kept.map(({ type, data, reason }) => ({ type, data, reason }))).toEqual([
      { type: 'host.first', data: { callSid: 'CA1', n: 1 }, reason: 'Error' },
    ])
    expect(parked.map(([{ eventId }, reason]) => [eventId, reason])).toEqual([[kept[0]!.eventId, 'Error']])
  })

  test('that hangs is given up after its time, told so by its signal, and holds up no other call', async () => {
    const sink = new FakeSink()
    sink.behave = ({ event }) => (event.subject === 'CA1' ? never() : undefined)
    const { addCall, pass, clock, dispatcher } = setup({ one: sink })
    await addCall('CA1')
    await addCall('CA2')
    dispatcher.kick()
    await turns()
    expect(sink.order).toEqual(['CA2:1'])
    const { signal } = sink.deliveries.find(({ event }) => event.subject === 'CA1')!
    clock.advance(14_999)
    expect(signal.aborted).toBe(false)
    clock.advance(1)
    expect(signal.aborted).toBe(true)
    await dispatcher.idle()
    sink.behave = () => undefined
    await pass(1000)
    expect(sink.order).toEqual(['CA2:1', 'CA1:1'])
  })

  test('that is down is asked for one event at a time, so that it takes no places from others', async () => {
    const sink = new FakeSink()
    sink.behave = () => {
      throw DOWN
    }
    const { addCall, pass } = setup({ one: sink }, { concurrency: 1 })
    for (let i = 0; i < 50; i++) await addCall(`CA${i}`)
    await pass()
    expect(sink.deliveries).toHaveLength(5) // the other 45 were put off without being sent
    await pass(4999)
    expect(sink.deliveries).toHaveLength(5)
    await pass(1)
    expect(sink.deliveries).toHaveLength(6)
    sink.behave = () => undefined
    for (let i = 0; i < 20; i++) await pass(10_000)
    expect(new Set(sink.order).size).toBe(50)
  })

  test('is never given more at once than concurrency allows', async () => {
    const sink = new FakeSink()
    let running = 0
    let most = 0
    sink.behave = async () => {
      most = Math.max(most, ++running)
      await turns()
      running--
    }
    const { addCall, pass } = setup({ one: sink }, { concurrency: 3 })
    for (let i = 0; i < 20; i++) await addCall(`CA${i}`)
    await pass()
    expect([most, sink.taken.length]).toEqual([3, 20])
  })

  test('of one tenant being down leaves the others’ alone', async () => {
    const sink = new FakeSink()
    sink.behave = ({ event }) => {
      if (event.tenantid === 'bad') throw DOWN
    }
    const { addCall, pass } = setup({ one: sink }, { concurrency: 2 })
    for (let i = 0; i < 20; i++) await addCall(`CA${i}`, i % 2 === 0 ? 'bad' : 'good')
    await pass()
    expect(sink.taken.filter(({ tenantid }) => tenantid === 'good')).toHaveLength(10)
  })
})

describe('several sinks', () => {
  test('each get every event in order, and one that is down holds up only itself', async () => {
    const [up, down] = [new FakeSink(), new FakeSink()]
    down.behave = () => {
      throw DOWN
    }
    const { addCall, tell, pass } = setup({ up, down })
    await addCall('CA1')
    await tell('CA1', 2, 3)
    await pass()
    expect(up.order).toEqual(['CA1:1', 'CA1:2', 'CA1:3'])
    expect(down.order).toEqual([])
    down.behave = () => undefined
    for (let i = 0; i < 5; i++) await pass(10_000)
    expect(down.order).toEqual(['CA1:1', 'CA1:2', 'CA1:3'])
    expect(up.order).toHaveLength(3)
    expect(down.taken.map(({ id }) => id)).toEqual(up.taken.map(({ id }) => id))
  })

  test('what one of them did not take and was put back goes to that one alone, under its id', async () => {
    const [up, down] = [new FakeSink(), new FakeSink()]
    down.behave = ({ event }) => {
      if ((event.data as { n: number }).n === 1) throw DOWN
    }
    const { addCall, tell, pass, store } = setup({ up, down }, { maxTries: 2 })
    await addCall('CA1')
    await tell('CA1', 2)
    for (let i = 0; i < 5; i++) await pass(10_000)
    expect([up.order, down.order]).toEqual([['CA1:1', 'CA1:2'], ['CA1:2']])
    down.behave = () => undefined
    for (const { parkedId } of await store.listParkedEvents({ tenantId: 't' })) {
      expect(await store.requeueParkedEvent({ tenantId: 't', parkedId })).toBe(true)
    }
    await pass()
    expect([up.order, down.order]).toEqual([
      ['CA1:1', 'CA1:2'],
      ['CA1:2', 'CA1:1'],
    ])
    expect(down.taken[1]).toEqual(up.taken[0])
    expect(down.deliveries.at(-1)).toMatchObject({ tries: 1, key: 'calls:CA1' })
  })

  test('get what was parked by the only one there was before', async () => {
    const [old, added] = [new FakeSink(), new FakeSink()]
    old.behave = () => {
      throw DOWN
    }
    const { addCall, pass, store, make } = setup({ old }, { maxTries: 1 })
    await addCall('CA1')
    await pass()
    const [parked] = await store.listParkedEvents({ tenantId: 't' })
    old.behave = () => undefined
    const both = make({ sinks: { old, added } })
    await store.requeueParkedEvent({ tenantId: 't', parkedId: parked!.parkedId })
    await pass(0, both)
    expect([old.order, added.order]).toEqual([['CA1:1'], ['CA1:1']])
    expect(added.taken[0]!.id).toBe(old.deliveries[0]!.event.id)
  })

  test('the id is the same as with one sink', async () => {
    const ids = async (names: string[]): Promise<string[]> => {
      const sink = new FakeSink()
      const { addCall, pass } = setup(Object.fromEntries(names.map((name) => [name, sink])))
      await addCall('CA1')
      await pass()
      return [...new Set(sink.taken.map(({ id }) => id))]
    }
    expect(await ids(['a', 'b'])).toEqual(await ids(['a']))
  })

  test('copies of many calls wait under no more keys than there are lanes', async () => {
    const keys = new Set<string>()
    const { addCall, pass } = setup(
      { a: new FakeSink(), b: new FakeSink() },
      {
        wrapStore: (store) => ({
          ...store,
          copyEvent: (receipt, copies) => {
            for (const { key } of copies) keys.add(key)
            return store.copyEvent(receipt, copies)
          },
        }),
      },
    )
    for (let i = 0; i < 600; i++) await addCall(`CA${i}`)
    await pass()
    expect(keys.size).toBe(2 * 64)
  })

  test('a sink that this process does not know keeps its events for one that does', async () => {
    const [a, b] = [new FakeSink(), new FakeSink()]
    const { addCall, pass, make } = setup({ a, b })
    b.behave = () => {
      throw DOWN
    }
    await addCall('CA1')
    await pass()
    const older = make({ sinks: { a } })
    await pass(1000, older)
    b.behave = () => undefined
    await pass(60_000)
    expect([a.order, b.order]).toEqual([['CA1:1'], ['CA1:1']])
  })
})

describe('what tells of a person', () => {
  const optOut = voiceEvent('opt-out.recorded', { revocationId: 'r1', channel: 'speech', phoneNumber: '+12025550101' })

  test('goes only to the sink that was named for it', async () => {
    const [crm, log] = [new FakeSink(), new FakeSink()]
    const { store, pass } = setup({ crm, log }, { personalFieldsTo: ['crm'] })
    await store.appendEvents({ tenantId: 't', key: 'k', events: [optOut] })
    await pass()
    expect(crm.taken.map(({ data }) => data)).toEqual([optOut.data])
    expect(log.taken.map(({ data }) => data)).toEqual([{ revocationId: 'r1', channel: 'speech' }])
  })

  test('goes to no sink once the person is erased, though a dispatcher held it at that moment', async () => {
    const [crm, log] = [new FakeSink(), new FakeSink()]
    let isErased = false
    const { store, pass, addCall } = setup(
      { crm, log },
      {
        personalFieldsTo: ['crm'],
        wrapStore: (memory) => ({
          ...memory,
          copyEvent: async (receipt, copies) => {
            if (!isErased) await memory.erasePerson({ tenantId: 't', phoneNumber: '+12025550101' })
            isErased = true
            return memory.copyEvent(receipt, copies)
          },
        }),
      },
    )
    await addCall('CA1')
    await store.ackEvent((await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1 }))[0]!.receipt)
    const turn = voiceEvent('turn.ended', { callSid: 'CA1', turnId: 't1', speaker: 'caller', text: 'it is Ana' })
    await store.updateCall({ tenantId: 't', callSid: 'CA1', changes: {}, events: [turn] })
    await pass()
    await pass(60_000)
    const said = { callSid: 'CA1', turnId: 't1', speaker: 'caller' }
    expect([crm.taken, log.taken].map((taken) => taken.map(({ data }) => data))).toEqual([[said], [said]])
  })

  test('stands in no log line, whatever the sink throws', async () => {
    const sink = new FakeSink()
    sink.behave = () => {
      throw DOWN
    }
    const { store, pass, lines, parked } = setup({ sink }, { maxTries: 1 })
    await store.appendEvents({ tenantId: 't', key: 'k', events: [optOut] })
    await pass()
    expect(lines.length).toBeGreaterThan(0)
    expect(JSON.stringify([lines, parked.map(([, reason]) => reason)])).not.toContain('+1202')
  })
})

describe('several processes', () => {
  test('deliver each event once, in order, when nothing fails', async () => {
    const sink = new FakeSink()
    sink.behave = turns
    const { addCall, tell, make, clock } = setup({ one: sink })
    const processes = [make(), make(), make()]
    for (let i = 0; i < 30; i++) {
      await addCall(`CA${i}`)
      await tell(`CA${i}`, 2, 3)
    }
    for (let i = 0; i < 5; i++) {
      for (const one of processes) one.kick()
      await Promise.all(processes.map((one) => one.idle()))
      clock.advance(1)
    }
    expect(sink.taken).toHaveLength(90)
    expect(new Set(sink.taken.map(({ id }) => id)).size).toBe(90)
    for (let i = 0; i < 30; i++) {
      expect(sink.order.filter((one) => one.startsWith(`CA${i}:`))).toEqual([`CA${i}:1`, `CA${i}:2`, `CA${i}:3`])
    }
  })

  test('when one dies with an event in its hands, another delivers it under the same id', async () => {
    const sink = new FakeSink()
    const { addCall, store, pass, clock } = setup({ one: sink })
    await addCall('CA1')
    const [held] = await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 60_000 }) // and dies
    await pass()
    expect(sink.taken).toEqual([])
    clock.advance(60_000)
    await pass()
    expect(sink.order).toEqual(['CA1:1'])
    expect(await store.ackEvent(held!.receipt)).toBe(false)
  })
})

describe('the store failing', () => {
  test('while the outbox is looked into, events wait for the next look', async () => {
    const sink = new FakeSink()
    let isDown = true
    const { addCall, pass, lines } = setup(
      { one: sink },
      {
        wrapStore: (store) => ({
          ...store,
          takeEvents: (query) => (isDown ? Promise.reject(new Error('down')) : store.takeEvents(query)),
        }),
      },
    )
    await addCall('CA1')
    await pass()
    expect(sink.taken).toEqual([])
    expect(lines.map(([level, message]) => `${level} ${message}`)).toContain(
      'error The outbox could not be looked into',
    )
    isDown = false
    await pass(1000)
    expect(sink.order).toEqual(['CA1:1'])
  })

  test('when a delivered event is to be forgotten, it comes again under its id and is never parked for it', async () => {
    const sink = new FakeSink()
    let failures = 1
    const { addCall, pass, store } = setup(
      { one: sink },
      {
        maxTries: 1,
        wrapStore: (kept) => ({
          ...kept,
          ackEvent: (receipt) => (failures-- > 0 ? Promise.reject(new Error('down')) : kept.ackEvent(receipt)),
        }),
      },
    )
    await addCall('CA1')
    await pass()
    await pass(60_000)
    expect(sink.order).toEqual(['CA1:1', 'CA1:1'])
    expect(new Set(sink.taken.map(({ id }) => id)).size).toBe(1)
    expect(await store.listParkedEvents({ tenantId: 't' })).toEqual([])
  })
})

test('it looks by itself every second once it was started, and not at all after close', async () => {
  const sink = new FakeSink()
  const { addCall, dispatcher, clock } = setup({ one: sink })
  await addCall('CA0')
  await dispatcher.idle()
  expect(sink.taken).toEqual([])
  dispatcher.start()
  await dispatcher.idle()
  await addCall('CA1')
  clock.advance(1000)
  await dispatcher.idle()
  expect(sink.order).toEqual(['CA0:1', 'CA1:1'])
  await dispatcher.close()
  expect(clock.pendingTimers).toBe(0)
  await addCall('CA2')
  dispatcher.start()
  dispatcher.kick()
  clock.advance(10_000)
  await turns()
  expect(sink.taken).toHaveLength(2)
})

test('close waits for what is under way, and for no longer than its time limit', async () => {
  const sink = new FakeSink()
  sink.behave = never
  const { addCall, dispatcher, clock } = setup({ one: sink })
  await addCall('CA1')
  dispatcher.kick()
  await turns()
  let isClosed = false
  const closed = dispatcher.close().then(() => (isClosed = true))
  await turns()
  expect(isClosed).toBe(false)
  clock.advance(15_000)
  await closed
  expect(clock.pendingTimers).toBe(0)
  await dispatcher.close()
})

describe('the feed', () => {
  test('is told of each event once, before the sink, with what tells of a person, also while the sink is down', async () => {
    const sink = new FakeSink()
    const told: string[] = []
    const feed = new EventFeed()
    feed.on('opt-out.recorded', ({ data, tenantId }) => told.push(`${tenantId} ${data.phoneNumber ?? ''}`))
    sink.behave = ({ tries }) => {
      expect(told).toHaveLength(1)
      if (tries < 3) throw DOWN
    }
    const { store, pass } = setup({ sink }, { feed })
    const optOut = voiceEvent('opt-out.recorded', { revocationId: 'r', channel: 'sms', phoneNumber: '+12025550101' })
    await store.appendEvents({ tenantId: 't', key: 'k', events: [optOut] })
    await pass()
    for (let i = 0; i < 4; i++) await pass(5000)
    expect(told).toEqual(['t +12025550101'])
    expect(sink.taken).toHaveLength(1)
  })

  test('with a listener that throws holds up nothing, and alone it empties the outbox', async () => {
    const feed = new EventFeed()
    let count = 0
    feed.on('event', () => {
      count++
      throw new Error('a listener')
    })
    const { addCall, pass, store } = setup({}, { feed })
    await addCall('CA1')
    await pass()
    expect(count).toBe(1)
    expect(await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1 })).toEqual([])
  })
})

test('whatever fails how often, nothing is lost and each call keeps its order', async () => {
  const story = fc.record({
    calls: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
    failures: fc.array(fc.boolean(), { maxLength: 40 }),
    sinkCount: fc.integer({ min: 1, max: 3 }),
    concurrency: fc.integer({ min: 1, max: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(story, async ({ calls, failures, sinkCount, concurrency }) => {
      const names = ['a', 'b', 'c'].slice(0, sinkCount)
      const sinks = Object.fromEntries(names.map((name) => [name, new FakeSink()]))
      const fates = [...failures]
      for (const sink of Object.values(sinks)) {
        sink.behave = () => {
          if (fates.shift()) throw DOWN
        }
      }
      const { addCall, tell, pass } = setup(sinks, { concurrency })
      for (const [i, count] of calls.entries()) {
        await addCall(`CA${i}`)
        for (let n = 2; n <= count; n++) await tell(`CA${i}`, n)
      }
      for (let i = 0; i < 100; i++) await pass(3_600_000)
      for (const sink of Object.values(sinks)) {
        for (const [i, count] of calls.entries()) {
          const ours = sink.order.filter((one) => one.startsWith(`CA${i}:`))
          expect(ours).toEqual(Array.from({ length: count }, (_, n) => `CA${i}:${n + 1}`))
        }
      }
    }),
    { numRuns: 30 },
  )
})

test('any data comes out as it went in: unicode, control characters, a megabyte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.string({ unit: 'binary' }), async (value, text) => {
      const sink = new FakeSink()
      const { store, pass } = setup({ a: sink, b: new FakeSink() })
      await store.appendEvents({ tenantId: 't', key: 'k', events: [{ type: 'host.any', data: { value, text } }] })
      await pass()
      expect(sink.taken.map(({ data }) => data)).toEqual([storableJson({ value, text })])
    }),
    { numRuns: 60 },
  )
  const sink = new FakeSink()
  const { store, pass } = setup({ a: sink })
  const large = '\u{1F4DE}'.repeat(250_000)
  await store.appendEvents({ tenantId: 't', key: 'k', events: [{ type: 'host.large', data: large }] })
  await pass()
  expect(sink.taken[0]?.data === large).toBe(true)
})

test.each([
  [{ sinks: { 'No good': new FakeSink() } }, TypeError],
  [{ personalFieldsTo: ['other'] }, TypeError],
  [{ source: '' }, TypeError],
  [{ concurrency: 0 }, RangeError],
  [{ concurrency: 1001 }, RangeError],
  [{ maxTries: 0 }, RangeError],
  [{ pollMs: 0 }, RangeError],
  [{ maxDelayMs: NaN }, RangeError],
  [{ visibilityMs: 15_000 }, RangeError],
])('an option that cannot be is refused at once: %j', (options, kind) => {
  const store = createMemoryStore()
  expect(() => new OutboxDispatcher({ store, sinks: { a: new FakeSink() }, source: SOURCE, ...options })).toThrow(kind)
})
