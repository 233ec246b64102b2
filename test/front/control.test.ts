/**
 * Calls under way: transfers, menus, opt-outs, ends. And the end of the process.
 */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { defineTool, refuse } from '../../src/agent-tools/tool.js'
import type { SignalledProcess } from '../../src/front/signals.js'
import type { OptedOut } from '../../src/index.js'
import type { CallerStep, SimulatedCall } from '../../src/simulator/index.js'
import { CALLED, CALLER, speech } from '../scenarios/phone-line.js'
import { LEAD_NUMBER, OFFICE_NUMBER, officeLine, REQUEST, verbsOf } from './office-line.js'

type Step = CallerStep<SimulatedCall>
const OFFICE = '+12025550166'
const waits: readonly Step[] = [
  { step: 'wait-for-agent-speech', forMs: 300 },
  { step: 'expect-hang-up', withinMs: 60_000 },
]

describe('a transfer', () => {
  test('that reaches somebody is the end of the agent and not of the call', async () => {
    const line = await officeLine()
    const call = line.dial({ script: waits, dials: [{ status: 'completed', ringMs: 500, talkMs: 2000 }] })
    await line.clock.until(() => (line.seen[0]?.turns.length ?? 0) > 0 || line.seen[0]?.events.includes('agentTurnStarted') === true) // prettier-ignore
    expect(await line.voice.calls.live(call.sid).transfer({ to: OFFICE })).toBe('done')
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Hangup'])
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'handed-off' })
    await line.expectNothingLeft()
  })

  test('that reaches nobody comes back to an agent, who is told', async () => {
    const line = await officeLine()
    const call = line.dial({
      script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'pause', ms: 25_000 }, { step: 'hang-up' }],
      dials: [{ status: 'busy', ringMs: 500 }],
    })
    await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
    await line.voice.calls.live(call.sid).transfer({ to: OFFICE })
    await line.clock.until(() => line.elevenlabs.conversations.length === 2)
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Connect'])
    expect(line.elevenlabs.conversations[1]!.dynamicVariables).toMatchObject({ transfer_status: 'busy', call_sid: call.sid }) // prettier-ignore
  })

  test('that reaches nobody may end with a sentence', async () => {
    const line = await officeLine()
    const call = line.dial({ script: waits, dials: [{ status: 'no-answer', ringMs: 5000 }] })
    await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
    await line.voice.calls.live(call.sid).transfer({ to: OFFICE, ringSeconds: 5, whenNobodyAnswers: 'say' })
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Say', 'Hangup'])
  })

  test('that is warm asks whoever answers first, and joins only those who press a key', async () => {
    const line = await officeLine()
    const asked = await line.post('/transfer-whisper?text=A+caller+about+a+tooth.', { CallSid: 'CA2' })
    expect(asked.text).toMatch(/<Gather[^>]*action="[^"]*\/transfer-whisper"[^>]*>\s*<Say>A caller about a tooth\.<\/Say>\s*<\/Gather>\s*<Hangup/) // prettier-ignore
    const accepted = await line.post('/transfer-whisper', { CallSid: 'CA2', Digits: '1' })
    expect(accepted.text).not.toContain('<Hangup')
  })

  test.each([[{ to: '5551234' }], [{ to: OFFICE, ringSeconds: 1 }], [{ to: OFFICE, mode: 'warm' as const, whisper: 'x'.repeat(401) }]])('with %j is a mistake', async (options) => {
    const line = await officeLine()
    await expect(line.voice.calls.live('CA1').transfer(options)).rejects.toThrow(/must be|more than/)
  }) // prettier-ignore
})

describe('what a call can', () => {
  test('depends on how it is connected', async () => {
    const line = await officeLine()
    await line.post('/inbound', { CallSid: 'CA1', From: CALLER, To: CALLED })
    const call = line.voice.calls.live('CA1')
    expect(call).toMatchObject({ via: 'bridge', can: { transfer: true, sendDigits: false, contextualUpdate: true } })
    expect(call.sendDigits('1')).toBe('not-possible')
    await line.clock.until(() => line.voice.calls.get('CA1')?.bridge.conversation?.state === 'active')
    expect(call.contextualUpdate('The order has shipped.')).toBe('done')
  })

  test('of one that is over everything is fine, and nothing happens', async () => {
    const line = await officeLine()
    const call = line.voice.calls.live(`CA${'f'.repeat(32)}`)
    expect(await call.hangUp()).toBe('already-over')
    expect(await call.transfer({ to: OFFICE })).toBe('already-over')
    expect(await call.menu()).toBe('already-over')
    expect(await call.hangUpAfterPlayback()).toBe('already-over')
    expect(call.sendDigits('1')).toBe('already-over')
    expect(call.contextualUpdate('x')).toBe('already-over')
  })

  test('hanging up now, twice, ends it once', async () => {
    const line = await officeLine()
    const call = line.dial({ script: waits })
    await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
    await line.clock.sleep(600)
    const control = line.voice.calls.live(call.sid)
    expect(await control.hangUp()).toBe('done')
    expect(await control.hangUp()).toBe('already-over')
    await call.verify()
    await line.expectNothingLeft()
  })
})

describe('a menu', () => {
  test('on a call under way: the opt-out is written down before it is confirmed, and it is the person\u2019s number', async () => {
    const told: OptedOut[] = []
    const line = await officeLine()
    line.voice.on('optedOut', (optOut) => told.push(optOut))
    await line.voice.calls.place(REQUEST)
    const call = line.placed()
    await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
    await line.voice.calls.live(call.sid).menu()
    await line.clock.until(() => verbsOf(call).includes('Gather'))
    call.press('3')
    await call.ended
    expect(verbsOf(call)).toEqual(['Connect', 'Gather', 'Say', 'Hangup'])
    expect(told).toEqual([{ tenantId: 'default', callSid: call.sid, channel: 'keypress', isStored: true }])
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: LEAD_NUMBER })).toMatchObject({ channel: 'keypress' }) // prettier-ignore
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: OFFICE_NUMBER })).toBeUndefined()
    expect(await line.voice.calls.place(REQUEST)).toMatchObject({ outcome: 'refused' })
  })

  const key = (digits: string, more: Record<string, string> = {}) => ({ CallSid: 'CA1', From: OFFICE_NUMBER, To: LEAD_NUMBER, Direction: 'outbound-api', Digits: digits, ...more }) // prettier-ignore

  test('of a host that names its one tenant: an address without a tenant is that tenant\u2019s', async () => {
    const line = await officeLine({ voice: { defaultTenantId: 'acme' } })
    expect((await line.post('/gather', key('3'))).text).toContain('removed')
    expect(await line.store.findDoNotCall({ tenantId: 'acme', phoneNumber: LEAD_NUMBER })).toBeDefined()
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: LEAD_NUMBER })).toBeUndefined()
  })

  test('a store that cannot take the opt-out: it is not confirmed, and the number is refused all the same', async () => {
    const line = await officeLine()
    line.database.isDown = true
    expect((await line.post('/gather?tenant=default', key('3'))).text).not.toContain('removed')
    line.database.isDown = false
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: LEAD_NUMBER })).toBeUndefined()
    const refused = await line.voice.calls.place(REQUEST)
    expect(refused.outcome === 'refused' && refused.decision.failedChecks).toContain('notOnDNC')
  })

  test('every key does what it says', async () => {
    const wishes: unknown[] = []
    const line = await officeLine()
    line.voice.on('callbackRequested', (wish) => wishes.push(wish))
    const answers = []
    for (const digit of ['1', '2', '9', '7']) answers.push((await line.post('/gather?tenant=default', key(digit))).text)
    expect(answers[0]).toContain('An agent will contact you shortly to schedule a viewing.')
    expect(answers[1]).toContain('All of our agents are busy.')
    expect(answers[2]).toContain('You have been removed from our call list. Thank you.')
    expect(answers[3]).toContain('Invalid selection. Goodbye.')
    expect(wishes).toMatchObject([{ phoneNumber: LEAD_NUMBER, reason: 'viewing' }, { reason: 'agent' }])
  })

  test('a key may transfer', async () => {
    const line = await officeLine({ voice: { menu: { keys: { '2': { action: 'transfer', transfer: { to: OFFICE } } } } } }) // prettier-ignore
    const { text } = await line.post('/gather?tenant=default', key('2'))
    expect(text).toMatch(/<Say>Connecting you to an agent now\.<\/Say>\s*<Dial[^>]*>\s*<Number>\+12025550166/)
    expect((await line.post('/gather?tenant=default', key('constructor'))).text).toContain('Invalid selection')
  })

  test('is a document of its own as well', async () => {
    const line = await officeLine()
    expect((await line.post('/menu?tenant=default', { CallSid: 'CA1' })).text).toContain('<Gather')
  })
})

describe('who does not want to be called', () => {
  test('and presses the key on a call that we placed is written down, told so, and hung up on', async () => {
    const line = await officeLine({
      twilio: { callee: { script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'press', digits: '9' }, { step: 'expect-hang-up', withinMs: 30_000 }] } },
    }) // prettier-ignore
    await line.voice.calls.place(REQUEST)
    const call = line.placed()
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Say', 'Hangup'])
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: LEAD_NUMBER })).toMatchObject({ channel: 'keypress' }) // prettier-ignore
    await line.expectNothingLeft()
  })

  test('a caller who presses the same key means something else', async () => {
    const line = await officeLine()
    const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'press', digits: '9' }, { step: 'pause', ms: 500 }, { step: 'hang-up' }] }) // prettier-ignore
    await call.verify()
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: CALLER })).toBeUndefined()
  })

  test('and says so is written down as well', async () => {
    const line = await officeLine()
    await line.post('/inbound', { CallSid: 'CA1', From: CALLER, To: CALLED })
    const { bridge } = line.voice.calls.get('CA1')!
    bridge.emit('callerTurn', { speaker: 'caller', turnId: 'c', text: 'Please stop calling me.', at: 0 })
    await line.clock.sleep(100)
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: CALLER })).toMatchObject({ channel: 'speech' }) // prettier-ignore
    expect(bridge.end).toBeUndefined() // they called us: the agent is told, and the call goes on
  })

  test('an opt-out that the store did not take is stored once it is back', async () => {
    const line = await officeLine({ voice: { reapEveryMs: 2000 } })
    line.voice.start()
    line.database.isDown = true
    await line.post('/gather?tenant=default', { CallSid: 'CA1', From: OFFICE_NUMBER, To: LEAD_NUMBER, Direction: 'outbound-api', Digits: '3' }) // prettier-ignore
    line.database.isDown = false
    await line.clock.sleep(5000)
    expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: LEAD_NUMBER })).toMatchObject({ channel: 'keypress' }) // prettier-ignore
  })
})

describe('tools', () => {
  const script = (name: string, parameters: Record<string, unknown>, told: unknown[]) => [
    {
      after: speech['move-request'].text,
      reply: [
        { callTool: { name, parameters }, onResult: (result: { isError: boolean; result?: unknown }) => (told.push(result), speech.offer) },
      ],
    },
  ] // prettier-ignore

  test('of a registry answer over the socket: JSON, and an error where it is one', async () => {
    const registry = new ToolRegistry([
      defineTool({ name: 'find', description: 'Finds', parameters: z.object({ what: z.string() }), handler: ({ what }, { tenantId, call }) => (what === 'x' ? { tenantId, who: call.remoteNumber } : refuse('NOT_THERE', 'There is none.')) }), // prettier-ignore
    ])
    for (const [what, isError, expected] of [
      ['x', false, '"success":true,"data":{"tenantId":"default"'],
      ['y', true, '"code":"NOT_THERE"'],
    ] as const) {
      // prettier-ignore
      const told: { isError: boolean }[] = []
      const line = await officeLine({ agent: { script: script('find', { what }, told) }, voice: { tools: registry } })
      const call = line.dial({
        script: [{ step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true, withinMs: 20_000 }, { step: 'speak', utterance: speech['move-request'] }, { step: 'wait-for-agent-speech', forMs: 300, withinMs: 20_000 }, { step: 'hang-up' }],
      }) // prettier-ignore
      await call.verify()
      expect(told).toMatchObject([{ isError }])
      expect(JSON.stringify(told).replaceAll('\\', '')).toContain(expected)
    }
  })

  test('of the telephone: the agent names a destination, and the caller is passed on', async () => {
    const told: unknown[] = []
    const line = await officeLine({
      agent: { script: script('transfer_call', { destination: 'front-desk' }, told) },
      voice: { telephoneTools: { destinations: { 'front-desk': { to: OFFICE, when: 'the caller wants a person' } } } },
    })
    const call = line.dial({
      script: [{ step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true, withinMs: 20_000 }, { step: 'speak', utterance: speech['move-request'] }, { step: 'expect-hang-up', withinMs: 60_000 }],
      dials: [{ status: 'completed', talkMs: 1000 }],
    }) // prettier-ignore
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Hangup'])
    await line.expectNothingLeft()
  })

  test('of the telephone: what the agent says after it was told that the call ends is heard out', async () => {
    const line = await officeLine({
      agent: {
        script: [{ after: speech['move-request'].text, reply: [{ callTool: { name: 'hang_up', parameters: {} }, onResult: () => speech.goodbye }] }],
      },
      voice: { telephoneTools: {} },
    }) // prettier-ignore
    const call = line.dial({
      script: [{ step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true, withinMs: 20_000 }, { step: 'speak', utterance: speech['move-request'] }, { step: 'expect-hang-up', withinMs: 60_000 }],
    }) // prettier-ignore
    await call.verify() // which fails when speech was cut
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'closed' })
    expect(line.seen[0]!.turns.at(-1)).toMatchObject({ speaker: 'agent', interrupted: false })
  })
})

describe('the end of the process', () => {
  test('is put off by calls under way; new ones hear the fallback', async () => {
    const line = await officeLine()
    const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 2000 }, { step: 'hang-up' }] })
    await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
    const killed: string[] = []
    const listeners = new Map<string, () => void>()
    const signalled: SignalledProcess = { pid: 1, on: (signal, listener) => listeners.set(signal, listener), off: (signal) => listeners.delete(signal), kill: (_pid, signal) => killed.push(signal) } // prettier-ignore
    line.voice.closeOnSignals(['SIGTERM', 'SIGINT'], { drainMs: 20_000, signalled })
    listeners.get('SIGTERM')!()
    expect((await line.post('/inbound', { CallSid: 'CA2', From: CALLER, To: CALLED })).text).toMatch(/<Say>/)
    expect(killed).toEqual([])
    await call.verify()
    await line.clock.until(() => killed.length > 0)
    expect(killed).toEqual(['SIGTERM'])
    expect(listeners.size).toBe(0)
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'caller-hung-up' })
  })

  test('what still lasts after its time goes to people', async () => {
    const line = await officeLine({ voice: { drainTo: { to: OFFICE } } })
    const call = line.dial({ script: waits, dials: [{ status: 'completed', talkMs: 1000 }] })
    await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
    await line.voice.close({ drainMs: 10 })
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Hangup'])
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'handed-off' })
  })
})
