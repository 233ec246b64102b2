/**
 * Events when something is slow, down, or comes twice; and what is told only where it is asked for.
 */
import { describe, expect, test } from 'vitest'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { defineTool } from '../../src/agent-tools/tool.js'
import { ManualClock } from '../../src/core/clock.js'
import { StorageError } from '../../src/core/errors.js'
import { silentLogger } from '../../src/core/logger.js'
import { EventFeed } from '../../src/events/feed.js'
import { functionSink } from '../../src/events/sink.js'
import { CallEvents } from '../../src/front/call-events.js'
import type { OutgoingEvent } from '../../src/storage/queues.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import type { Store } from '../../src/storage/store.js'
import { CALLED, CALLER, phoneLine } from '../scenarios/phone-line.js'
import { takeWaiting } from '../support/waiting-events.js'
import { LEAD_NUMBER, OFFICE_NUMBER, officeLine, REQUEST } from './office-line.js'

const hangsUp = [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] as const

const waiting = async (store: Store) => (await takeWaiting(store, 'default')).map(({ type, data }) => ({ type, data }))
const typesIn = async (store: Store): Promise<string[]> => (await waiting(store)).map(({ type }) => type)

describe('without a word about events', () => {
  test('what happens waits in the store for a dispatcher of the host’s, and turns are not told', async () => {
    const line = await officeLine()
    const call = line.dial({ script: hangsUp })
    await call.verify()
    await line.clock.sleep(5000)
    const types = await typesIn(line.store)
    expect(types[0]).toBe('call.received')
    expect(types).toContain('call.ended')
    expect(types.filter((type) => type.startsWith('turn.'))).toEqual([])
  })

  test('a feed alone is told, and nothing is left behind', async () => {
    const feed = new EventFeed()
    const types: string[] = []
    feed.on('event', ({ type }) => types.push(type))
    const line = await officeLine({ voice: { events: { feed } } })
    await line.dial({ script: hangsUp }).verify()
    await line.clock.until(() => types.includes('call.ended'))
    await line.voice.close()
    expect(await typesIn(line.store)).toEqual([])
    expect(types).toContain('transcript.ready')
  })

  test('no sinks, said so, leave nothing behind', async () => {
    const line = await officeLine({ voice: { events: { sinks: {} } } })
    await line.dial({ script: hangsUp }).verify()
    await line.clock.sleep(5000)
    await line.voice.close()
    expect(await typesIn(line.store)).toEqual([])
  })

  test.each([
    [{ sinks: { 'Not A Name': functionSink(() => undefined) } }, TypeError],
    [{ sinks: {}, personalFieldsTo: ['nobody'] }, TypeError],
    [{ sinks: {}, concurrency: 0 }, RangeError],
  ])('%j is a mistake at once', async (events, kind) => {
    await expect(phoneLine({ voice: { events } })).rejects.toThrow(kind)
  })
})

describe('a sink', () => {
  test('that is down holds up no call, is seen by the health check, and gets everything when it is back', async () => {
    const sink = { isDown: true, tries: 0, types: [] as string[] }
    const crm = functionSink(({ type }) => {
      sink.tries++
      if (sink.isDown) throw new Error('no')
      sink.types.push(type)
    })
    const line = await officeLine({ voice: { events: { sinks: { crm }, firstDelayMs: 200, maxDelayMs: 2000 } } })
    await line.dial({ script: hangsUp }).verify()
    await line.clock.until(() => sink.tries >= 5, 60_000)
    expect(await line.voice.health()).toMatchObject({ checks: { events: 'degraded', storage: 'ok' } })
    sink.isDown = false
    await line.clock.until(() => sink.types.includes('callweave.call.ended'), 60_000)
    await line.clock.sleep(6000) // a report is given again for a while
    expect(await line.voice.health()).toMatchObject({ checks: { events: 'ok' } })
  })

  test('that hangs does not keep the process from closing, and loses nothing', async () => {
    const crm = functionSink(() => new Promise<void>(() => undefined))
    const line = await officeLine({ voice: { events: { sinks: { crm }, deliveryTimeoutMs: 1000 } } })
    await line.dial({ script: hangsUp }).verify()
    await line.clock.sleep(500)
    await line.voice.close()
    await line.clock.sleep(120_000)
    expect((await typesIn(line.store))[0]).toBe('call.received')
  })

  test('gets what waited from before as soon as the sockets are attached, and what is due before the process stops', async () => {
    const types: string[] = []
    const crm = functionSink(({ type }) => void types.push(type))
    const line = await officeLine({ voice: { events: { sinks: { crm } } } }, async (clock) => {
      const store = createMemoryStore({ clock })
      await store.appendEvents({ tenantId: 'default', key: 'k', events: [{ type: 'host.left', data: {} }] })
      return store
    })
    await line.clock.until(() => types.includes('host.left'))
    await line.store.appendEvents({ tenantId: 'default', key: 'k', events: [{ type: 'host.a', data: {} }, { type: 'host.b', data: {} }] }) // prettier-ignore
    await line.voice.close()
    expect(types).toEqual(['host.left', 'host.a', 'host.b'])
  })

  test('that takes nothing gets its events parked; put back in the store, they go out', async () => {
    const sink = { isDown: true, ids: [] as string[] }
    const parked: string[] = []
    const crm = functionSink(({ id }) => {
      if (sink.isDown) throw new Error('no')
      sink.ids.push(id)
    })
    const onParked = ({ type }: { type: string }) => parked.push(type)
    const line = await officeLine({ voice: { events: { sinks: { crm }, maxTries: 2, firstDelayMs: 100, onParked } } })
    await line.store.appendEvents({ tenantId: 'default', key: 'k', events: [{ type: 'host.a', data: {} }] })
    await line.clock.until(() => parked.length > 0, 60_000)
    expect(line.voice.metrics.toPrometheus()).toContain('callweave_events_parked_total 1')
    sink.isDown = false
    const [event] = await line.store.listParkedEvents({ tenantId: 'default' })
    await line.store.requeueParkedEvent({ tenantId: 'default', parkedId: event!.parkedId })
    await line.clock.until(() => sink.ids.length > 0, 60_000)
    expect(await line.store.listParkedEvents({ tenantId: 'default' })).toEqual([])
  })
})

describe('a store', () => {
  test('that is down while a call lasts gets the call’s events when it is back, once, and in their order', async () => {
    const line = await officeLine({
      voice: { events: { turns: 'timing' } },
      twilio: {
        callee: {
          script: [
            { step: 'wait-for-agent-speech', forMs: 300 },
            { step: 'run', name: 'the store goes', run: () => void (line.database.isDown = true) },
            { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 20_000 },
            { step: 'run', name: 'the store is back', run: () => void (line.database.isDown = false) },
            { step: 'hang-up' },
          ],
        },
      },
    })
    await line.voice.calls.place(REQUEST)
    await line.placed().verify()
    await line.clock.sleep(3000)
    const turns = (await waiting(line.store)).filter(({ type }) => type.startsWith('turn.'))
    expect(turns).toMatchObject([
      { type: 'turn.started', data: { speaker: 'agent' } },
      { type: 'turn.ended', data: { speaker: 'agent', heardMs: expect.any(Number), isInterrupted: false } },
    ])
    expect(JSON.stringify(turns)).not.toContain('text')
  })

  const turn = { turnId: 't', latencyMs: 100 }
  function setUp(updateCall: (query: { events?: readonly OutgoingEvent[] }) => Promise<unknown>) {
    const lines: [string, unknown][] = []
    const writes: Promise<unknown>[] = []
    const events = new CallEvents({
      context: {
        store: { ...createMemoryStore(), updateCall: updateCall as never },
        clock: new ManualClock(),
        logger: { ...silentLogger, error: (message, fields) => lines.push([message, fields]) },
      },
      tenantId: 't',
      callSid: 'CA1',
      turns: 'timing',
      write: (act) => {
        writes.push((writes.at(-1) ?? Promise.resolve()).then(act).catch(() => undefined))
      },
      onEnded: () => undefined,
    })
    return { events, lines, settled: () => Promise.all(writes) }
  }

  test('that is slow gets larger writes, and what does not fit in between is left out and counted', async () => {
    const sizes: number[] = []
    let open: () => void = () => undefined
    const slow = new Promise<void>((resolve) => (open = resolve))
    const { events, lines, settled } = setUp(async ({ events: given = [] }) => {
      sizes.push(given.length)
      await slow
      return {}
    })
    events.agentTurnStarted(turn)
    await new Promise((resolve) => setImmediate(resolve)) // the first is on its way
    for (let i = 0; i < 250; i++) events.agentTurnStarted(turn)
    events.ended()
    open()
    await settled()
    expect(sizes).toEqual([1, 200])
    expect(lines).toEqual([['Events of a call were left out', { callSid: 'CA1', events: 50 }]])
  })

  test('of which nobody knows whether it wrote is not asked to write the same again', async () => {
    const given: number[] = []
    const faults = [
      new StorageError('storage_timeout', 'late', { operation: 'updateCall', isOutcomeUnknown: true }),
      new StorageError('storage_connection_lost', 'gone', { operation: 'updateCall' }),
    ]
    const { events, settled } = setUp(async ({ events: told = [] }) => {
      given.push(told.length)
      const fault = faults.shift()
      if (fault) throw fault
      return {}
    })
    for (let i = 0; i < 3; i++) {
      events.agentTurnStarted(turn)
      await settled()
    }
    // The first is lost or written; the second was certainly not written, and goes with the third.
    expect(given).toEqual([1, 1, 2])
  })

  test('gets no more than 2000 turns and 1000 tools of one call', async () => {
    let count = 0
    const { events, lines, settled } = setUp(async ({ events: given = [] }) => {
      count += given.length
      return {}
    })
    for (let i = 0; i < 2100; i++) {
      events.agentTurnStarted(turn)
      if (i % 100 === 0) await settled()
    }
    for (let i = 0; i < 1100; i++) {
      events.toolAnswered({ toolName: 'a'.repeat(500), toolCallId: String(i), isError: false, at: 0 })
      if (i % 100 === 0) await settled()
    }
    events.ended()
    await settled()
    expect([count, lines]).toEqual([3000, [['Events of a call were left out', { callSid: 'CA1', events: 200 }]]])
  })
})

test('turns of a call by text are told in the same way', async () => {
  const line = await officeLine({
    agent: { allowedOverrides: { conversation: { text_only: true } }, firstMessage: 'Hello there.' },
    twilio: {
      callee: {
        script: [
          { step: 'wait-for-agent-speech', forMs: 300 },
          { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 20_000 },
          { step: 'hang-up' },
        ],
      },
    },
    voice: { events: { turns: 'text' } },
  })
  await line.voice.calls.place({ ...REQUEST, via: 'conversation-relay' })
  await line.placed().verify()
  await line.clock.sleep(3000)
  const turns = (await waiting(line.store)).filter(({ type }) => type.startsWith('turn.'))
  expect(turns).toMatchObject([
    { type: 'turn.started', data: { speaker: 'agent' } },
    { type: 'turn.ended', data: { speaker: 'agent', text: expect.stringMatching(/^Hello/) } },
  ])
})

describe('an opt-out', () => {
  const key = { CallSid: 'CA1', From: OFFICE_NUMBER, To: LEAD_NUMBER, Direction: 'outbound-api', Digits: '3' }

  test('whose webhook comes twice, at once and later, is one request and one event', async () => {
    const line = await officeLine()
    const heard: unknown[] = []
    line.voice.on('optedOut', (optOut) => heard.push(optOut))
    const press = async (): Promise<string> => (await line.post('/gather?tenant=default', key)).text
    for (const text of [...(await Promise.all([press(), press()])), await press()]) expect(text).toContain('removed')
    expect(heard).toHaveLength(1)
    expect(await waiting(line.store)).toEqual([
      { type: 'opt-out.recorded', data: { revocationId: expect.any(String), channel: 'keypress', callSid: 'CA1', phoneNumber: LEAD_NUMBER } },
    ]) // prettier-ignore
  })

  test('that the store could not take is told when it is stored, once', async () => {
    const line = await officeLine({ voice: { reapEveryMs: 2000 } })
    line.voice.start()
    line.database.isDown = true
    await line.post('/gather?tenant=default', key)
    line.database.isDown = false
    await line.clock.sleep(5000)
    expect(await typesIn(line.store)).toEqual(['opt-out.recorded'])
  })
})

describe('tools over HTTP', () => {
  test('are told in the order of their call; of a call that is elsewhere, too', async () => {
    const secret = 'a-secret-of-16-chars'
    const look = defineTool({ name: 'look', description: 'Looks.', handler: () => ({ found: 1 }) }) // prettier-ignore
    const line = await officeLine({
      voice: {
        tools: new ToolRegistry([look]),
        elevenLabsRoutes: { auth: { sharedSecret: { header: 'x-secret', secret } } },
      },
    })
    await line.post('/inbound', { CallSid: 'CA1', From: CALLER, To: CALLED })
    await line.store.addCall({ tenantId: 'default', callSid: 'CA2', direction: 'inbound', from: CALLER, to: CALLED, callStatus: 'in-progress' }) // prettier-ignore
    await line.store.setCached({ tenantId: 'default', key: 'conversation:conv_2', value: { tenantId: 'default', callSid: 'CA2' }, ttlMs: 60_000 }) // prettier-ignore
    await line.clock.until(() => line.voice.calls.get('CA1')?.bridge.conversation?.state === 'active')
    const { conversationId } = line.elevenlabs.conversations[0]!
    await line.store.setCached({ tenantId: 'default', key: `conversation:${conversationId}`, value: { tenantId: 'default', callSid: 'CA1' }, ttlMs: 60_000 }) // prettier-ignore
    for (const id of [conversationId, 'conv_2']) {
      const answer = await fetch(`${line.origin}/voice/elevenlabs/tools/look`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-secret': secret },
        body: JSON.stringify({ conversation_id: id }),
      })
      expect(await answer.json()).toMatchObject({ success: true, data: { found: 1 } })
    }
    await line.clock.sleep(100)
    const tool = { toolName: 'look', toolCallId: expect.any(String), isError: false, tookMs: expect.any(Number) }
    expect((await waiting(line.store)).filter(({ type }) => type !== 'call.received')).toEqual([
      { type: 'tool.called', data: { callSid: 'CA1', ...tool } },
      { type: 'tool.called', data: { callSid: 'CA2', ...tool } },
    ])
  })
})

describe('a recording', () => {
  const finished = { CallSid: 'CA1', RecordingSid: 'RE1', RecordingStatus: 'completed' }

  test('that cannot be processed is tried again, and in the end waits for a person', async () => {
    let tries = 0
    const line = await officeLine({
      voice: {
        onRecording: () => {
          tries++
          throw new Error('the archive is full')
        },
      },
    })
    await line.post('/recording?tenant=default', finished)
    await line.clock.until(() => tries === 5, 600_000)
    await line.clock.sleep(1000)
    const { items } = await line.store.listRecordings({ tenantId: 'default', filter: { status: 'failed' } })
    expect(items).toMatchObject([{ recordingSid: 'RE1', failure: { code: 'processing_failed' } }])
    expect(await typesIn(line.store)).toEqual(['recording.completed'])
    expect(line.logged.join('\n')).toContain('A recording could not be processed and was given up')
  })

  test('is processed once, also when its answer was kept and the process died before it could say so', async () => {
    let tries = 0
    const line = await officeLine({
      voice: {
        onRecording: () => {
          tries++
        },
      },
    })
    await line.post('/recording?tenant=default', finished)
    await line.clock.until(() => tries === 1)
    await line.clock.sleep(100)
    const again = { tenantId: 'default', workId: 'again', queue: 'recordings', dueAt: 0, payload: { recordingSid: 'RE1' } } // prettier-ignore
    await line.store.scheduleWork(again)
    await line.clock.sleep(5000)
    expect(tries).toBe(1)
    expect(await typesIn(line.store)).toEqual(['recording.completed', 'recording.processed'])
    expect(await line.store.findRecording({ tenantId: 'default', recordingSid: 'RE1' })).toMatchObject({ status: 'processed' }) // prettier-ignore
  })
})
