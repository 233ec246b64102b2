import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import twilio from 'twilio'
import { ManualClock } from '../../../src/core/clock.js'
import { socketPair } from '../../../src/core/socket.js'
import { syntheticSpeech, type CallerStep, type SimulatedCall } from '../../../src/simulator/index.js'
import { humText } from '../../../src/simulator/twilio/prompt-audio.js'
import { RelayLeg } from '../../../src/simulator/twilio/relay-leg.js'
import { readRelaySettings } from '../../../src/simulator/twilio/relay-settings.js'
import { Timeline } from '../../../src/simulator/twilio/timeline.js'
import type { ViolationCode } from '../../../src/simulator/twilio/violations.js'
import { AUTH_TOKEN, inbound, setUp } from './call-set-up.js'
import { PUBLIC_HOST, xml, type HostStream, type SmallHostOptions } from './small-host.js'

const EVENTS = 'events="speaker-events tokens-played" dtmfDetection="true"'
const relay = (attributes = EVENTS, action = ' action="/after"') =>
  xml(
    `<Connect${action}><ConversationRelay url="wss://${PUBLIC_HOST}/relay" ${attributes}><Language code="es-ES" ttsProvider="ElevenLabs"/><Parameter name="token" value="one-time"/></ConversationRelay></Connect>`,
  )

/** What the host heard, without what it says of itself. */
const heard = (stream: HostStream | undefined) =>
  stream?.messages.map((message) => message as unknown as Record<string, unknown>) ?? []
const ofType = (stream: HostStream | undefined, type: string) =>
  heard(stream).filter((message) => message.type === type)

/** A host that answers each prompt, knowing only the protocol. */
function host(
  reply: (message: Record<string, unknown>, stream: HostStream) => void,
  attributes?: string,
  action?: string,
): Omit<SmallHostOptions, 'authToken'> {
  return {
    routes: { '/voice': () => relay(attributes, action), '/after': () => xml('<Hangup/>') },
    onMessage: (message, stream) => reply(message as unknown as Record<string, unknown>, stream),
  }
}
const say = (stream: HostStream, text: string) => {
  for (const token of text.match(/\S+\s*/g) ?? []) stream.send({ type: 'text', token, last: false })
  stream.send({ type: 'text', token: '', last: true })
}
const speak = (text: string): CallerStep<SimulatedCall> => ({ step: 'speak', utterance: syntheticSpeech(text) })

describe('a relay session on a simulated call', () => {
  test('opens a signed socket, says setup, carries prompts and text, and asks action with every field', async () => {
    let isLeaving = false
    const { app, simulator } = await setUp(
      host((message, stream) => {
        if (message.type === 'setup') say(stream, 'Hello, how can I help?')
        if (message.type === 'prompt') {
          isLeaving = true
          say(stream, 'Goodbye.')
        }
        // Not before the caller has heard it: what still waits when the session ends is cut off.
        if (isLeaving && message.name === 'agentSpeaking' && message.value === 'off')
          stream.send({ type: 'end', handoffData: '{"reasonCode":"done"}' })
      }),
    )
    const call = simulator.placeCall(
      inbound({
        script: [
          { step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true },
          speak('nothing thanks'),
          { step: 'expect-hang-up', withinMs: 120_000 },
        ],
      }),
    )
    await call.verify()
    const [stream] = app.streams
    const signature = String(stream?.headers['x-twilio-signature'])
    expect(twilio.validateRequest(AUTH_TOKEN, signature, `wss://${PUBLIC_HOST}/relay`, {})).toBe(true)
    expect(heard(stream)[0]).toMatchObject({
      type: 'setup',
      callSid: call.sid,
      from: '+12025550100',
      direction: 'inbound',
      callStatus: 'RINGING',
      customParameters: { token: 'one-time' },
    })
    expect(ofType(stream, 'prompt')).toEqual([
      { type: 'prompt', voicePrompt: 'nothing thanks', lang: 'en-US', last: true },
    ])
    expect(ofType(stream, 'info').map(({ name, value }) => [name, value])).toEqual([
      ['agentSpeaking', 'on'],
      ...['Hello, ', 'how ', 'can ', 'I ', 'help?'].map((word) => ['tokensPlayed', word]),
      ['agentSpeaking', 'off'],
      ['clientSpeaking', 'on'],
      ['clientSpeaking', 'off'],
      ['agentSpeaking', 'on'],
      ['tokensPlayed', 'Goodbye.'],
      ['agentSpeaking', 'off'],
    ])
    expect(call.relays[0]?.heard.map(({ text }) => text)).toEqual(['Hello, how can I help?', 'Goodbye.'])
    expect(app.to('/after')[0]).toMatchObject({
      isSigned: true,
      params: {
        CallStatus: 'in-progress',
        SessionId: call.relays[0]?.sessionId,
        SessionStatus: 'ended',
        HandoffData: '{"reasonCode":"done"}',
      },
    })
    expect(app.to('/after')[0]?.params).not.toHaveProperty('ErrorCode')
  })

  test('the caller who cuts in purges what waits, and the host learns what was heard, to the word', async () => {
    const { app, simulator } = await setUp(
      host((message, stream) => {
        if (message.type === 'setup') say(stream, 'Life is a complex set of moments that nobody can foresee at all.')
      }),
    )
    const call = simulator.placeCall(
      inbound({
        script: [
          { step: 'barge-in', afterMs: 900, utterance: syntheticSpeech('stop please') },
          { step: 'pause', ms: 600 },
          { step: 'hang-up' },
        ],
      }),
    )
    await call.verify()
    const [cut] = ofType(app.streams[0], 'interrupt')
    expect('Life is a complex set of moments').toContain(String(cut?.utteranceUntilInterrupt))
    expect(String(cut?.utteranceUntilInterrupt)).toMatch(/^Life is a/)
    expect(cut?.durationUntilInterruptMs).toBeGreaterThan(800)
    expect(ofType(app.streams[0], 'prompt')).toMatchObject([{ voicePrompt: 'stop please' }])
    expect(call.relays[0]?.heard).toMatchObject([{ isInterrupted: true }])
    expect(app.to('/after')[0]?.params).toMatchObject({ SessionStatus: 'completed', CallStatus: 'completed' })
  })

  test('speech over an agent that must not be interrupted is not reported, unless the TwiML asks for it', async () => {
    for (const [report, prompts] of [
      ['none', 0],
      ['speech', 1],
    ] as const) {
      const attributes = `interruptible="none" reportInputDuringAgentSpeech="${report}"`
      const greet = host((message, stream) => {
        if (message.type === 'setup')
          say(stream, 'This call may be recorded for quality and for training of our staff.')
      }, attributes)
      const { app, simulator } = await setUp(greet)
      const call = simulator.placeCall(
        inbound({
          script: [
            { step: 'barge-in', afterMs: 300, utterance: syntheticSpeech('yes') },
            { step: 'pause', ms: 800 },
          ],
        }),
      )
      await call.verify()
      expect(ofType(app.streams[0], 'interrupt')).toEqual([])
      expect(ofType(app.streams[0], 'prompt')).toHaveLength(prompts)
    }
  })

  test('a key cuts in as well, and comes after the interruption; without dtmfDetection it comes not at all', async () => {
    for (const [attributes, types] of [
      [EVENTS, ['interrupt', 'dtmf']],
      ['', []],
    ] as const) {
      const greet = host((message, stream) => {
        if (message.type === 'setup') say(stream, 'For an appointment press one, for anything else press two.')
      }, attributes)
      const { app, simulator } = await setUp(greet)
      const call = simulator.placeCall(
        inbound({
          script: [
            { step: 'wait-for-agent-speech', forMs: 400 },
            { step: 'press', digits: '1' },
            { step: 'pause', ms: 200 },
          ],
        }),
      )
      await call.verify()
      const seen = heard(app.streams[0]).map(({ type }) => type)
      expect(seen.filter((type) => type === 'interrupt' || type === 'dtmf')).toEqual(types)
    }
  })

  test('partial prompts grow, and the last repeats the whole', async () => {
    const { app, simulator } = await setUp(host(() => {}, 'partialPrompts="true"'))
    const words = 'I would like to move my appointment to another day please'
    const call = simulator.placeCall(
      inbound({ script: [{ step: 'pause', ms: 300 }, speak(words), { step: 'pause', ms: 600 }] }),
    )
    await call.verify()
    const prompts = ofType(app.streams[0], 'prompt')
    expect(prompts.length).toBeGreaterThan(2)
    for (const { voicePrompt, last } of prompts.slice(0, -1)) {
      expect([words.startsWith(String(voicePrompt)), last]).toEqual([true, false])
    }
    expect(prompts.at(-1)).toMatchObject({ voicePrompt: words, last: true })
  })

  test('a socket that the host drops: action learns 64105 while the call lives on', async () => {
    const { app, simulator } = await setUp(host((message, stream) => {
        if (message.type === 'setup') stream.ws.terminate()
      })) // prettier-ignore
    const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }], expectViolations: [64105] }))
    expect(await call.verify()).toMatchObject({ by: 'twiml' })
    expect(app.to('/after')[0]?.params).toMatchObject({
      SessionStatus: 'failed',
      ErrorCode: '64105',
      ErrorMessage: 'Websocket ended',
      CallStatus: 'in-progress',
    })
  })

  test('a handshake that is refused: 64102, no action, and the call ends', async () => {
    const { app, simulator } = await setUp({ ...host(() => {}), refuseUpgrade: 403 })
    const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }], expectViolations: [64102] }))
    await call.verify()
    expect(app.to('/after')).toEqual([])
  })

  test('an attribute that Twilio refuses: 64101 at action, and no socket', async () => {
    const { app, simulator } = await setUp(host(() => {}, 'ttsProvider="Nobody"'))
    const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }], expectViolations: [64101] }))
    await call.verify()
    expect(app.to('/after')[0]?.params).toMatchObject({ SessionStatus: 'failed', ErrorCode: '64101' })
    expect(app.streams).toEqual([])
  })

  test('an attribute in the wrong case is reported, as the schema is case-sensitive', async () => {
    const { simulator } = await setUp(host(() => {}, 'dtmfdetection="true"'))
    const call = simulator.placeCall(inbound({ script: [{ step: 'pause', ms: 200 }], expectViolations: [12200] }))
    await call.verify()
  })

  test('an end cuts the goodbye that was not heard, and the scenario says so', async () => {
    const rude = host((message, stream) => {
      if (message.type !== 'setup') return
      say(stream, 'Goodbye, and thank you very much for your call.')
      stream.send({ type: 'end' })
    })
    const { simulator } = await setUp(rude)
    const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }] }))
    await expect(call.verify()).rejects.toThrow(/ms of speech were sent and cut off/)
  })
})

describe('the session itself', () => {
  const files = (folder: string) => {
    const url = new URL(`../../corpus/twilio-conversation-relay/${folder}/`, import.meta.url)
    return readdirSync(url).map((name) => [name, readFileSync(new URL(name, url), 'utf8').trim()] as const)
  }

  function open(attributes: Record<string, string> = {}) {
    const clock = new ManualClock()
    const startMs = clock.monotonicMs()
    const nowMs = () => clock.monotonicMs() - startMs
    const [ours, twilioEnd] = socketPair()
    const reported: ViolationCode[] = []
    const got: Record<string, unknown>[] = []
    let closed: [number, string] | undefined
    ours.listen({
      message: (text) => got.push(JSON.parse(text) as Record<string, unknown>),
      binary: () => {},
      close: (code, reason) => (closed = [code, reason]),
    })
    const settings = readRelaySettings({ name: 'ConversationRelay', attributes: { events: 'tokens-played', ...attributes }, children: [], text: '', isPlayed: true }) // prettier-ignore
    if ('refused' in settings) throw new Error(settings.refused)
    const leg = new RelayLeg({
      connection: { socket: twilioEnd, pauseReading: () => {}, resumeReading: () => {} },
      settings,
      setup: { sessionId: 'VX1' },
      speakText: humText,
      clock,
      nowMs,
      timeline: new Timeline(nowMs),
      sound: () => {},
      report: (code) => reported.push(code),
      fetchSound: () => Promise.resolve(new Uint8Array(800).fill(0x10)),
    })
    const advance = (ms: number) => {
      for (let done = 0; done < ms; done += 20) {
        clock.advance(20)
        leg.advanceTo(nowMs())
      }
    }
    return { leg, got, reported, advance, send: (text: string) => ours.send(text), closed: () => closed }
  }

  test.each(files('outbound'))('%s is taken', (_, text) => {
    const { send, reported } = open()
    send(text)
    expect(reported).toEqual([])
  })

  test.each(files('refused'))('%s is refused with 64107, and the session lives on', (_, text) => {
    const { leg, send, reported, got } = open()
    send(text)
    expect(reported).toEqual([64107])
    expect(got.at(-1)).toMatchObject({ type: 'error', description: expect.stringContaining('code: 64107') as string })
    expect(leg.isLive).toBe(true)
  })

  test('ten that cannot be read in a row close with 1007; one good one in between starts anew', async () => {
    const { leg, send, closed } = open()
    for (let i = 0; i < 9; i++) send('{}')
    send('{"type":"text","token":""}')
    for (let i = 0; i < 9; i++) send('{}')
    expect(closed()).toBeUndefined()
    send('{"type":"pong","event_id":1}')
    expect(closed()).toEqual([1007, 'Too many consecutive malformed messages.'])
    expect(await leg.ended).toMatchObject({ status: 'failed', errorCode: 64105 })
  })

  test('speech takes its time: nothing is heard before its words were played, in order with keys and sounds', async () => {
    const { send, got, advance } = open()
    const played = () => got.filter(({ name }) => name === 'tokensPlayed').map(({ value }) => value)
    send('{"type":"text","token":"One tw","last":false}')
    send('{"type":"text","token":"o","last":true}')
    send('{"type":"sendDigits","digits":"5w"}')
    send('{"type":"play","source":"https://a.example/x.wav"}')
    send('{"type":"text","token":"three","last":true}')
    await Promise.resolve()
    await Promise.resolve()
    advance(400)
    expect(played()).toEqual([])
    advance(500)
    expect(played()).toEqual(['One ', 'two'])
    advance(800)
    expect(played()).toEqual(['One ', 'two', '5w'])
    advance(800)
    expect(played()).toEqual(['One ', 'two', '5w', 'three'])
  })

  test('what is preemptible gives way to what comes, and what is not interruptible is spoken on', () => {
    const { leg, send, advance } = open()
    send('{"type":"text","token":"wait a moment please","last":true,"preemptible":true}')
    advance(600)
    send('{"type":"text","token":"Here it is","last":true,"interruptible":false}')
    advance(400)
    leg.callerSpeech('hey', false)
    advance(300)
    leg.callerSpeech('hey', true)
    advance(3000)
    expect(leg.heard.map(({ text }) => text).join('')).toBe('wait Here it is')
    expect(leg.counters.interruptsSent).toBe(0)
  })

  test('the language changes what is recognised and what is spoken; multi reports the primary tag', () => {
    const { leg, send, got, advance } = open({ language: 'multi' })
    leg.callerSpeech('hi', false)
    leg.callerSpeech('hi', true)
    advance(400)
    expect(got.at(-1)).toMatchObject({ voicePrompt: 'hi', lang: 'en' })
    send('{"type":"language","ttsLanguage":"es-ES","transcriptionLanguage":"es-MX"}')
    leg.callerSpeech('hola', false)
    leg.callerSpeech('hola', true)
    advance(400)
    expect(got.at(-1)).toMatchObject({ lang: 'es-MX' })
    expect(leg.languages).toEqual({ tts: 'es-ES', transcription: 'es-MX' })
  })
})
