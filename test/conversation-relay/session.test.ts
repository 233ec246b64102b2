import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import type { VoiceError } from '../../src/core/errors.js'
import { socketPair, type Socket } from '../../src/core/socket.js'
import type { RelayBrain, RelayTurn, ReplyPart } from '../../src/conversation-relay/brain.js'
import { ConversationRelaySession } from '../../src/conversation-relay/session.js'
import { SETUP, info, interrupt, pipe, prompt, settled, setup } from './relay-set-up.js'

const text = (token: string, last = false) => ({ type: 'text', token, last })

describe('a session', () => {
  test('hands a prompt to the brain and streams its tokens as they come', async () => {
    const reply = pipe()
    const seen: RelayTurn[] = []
    const call = setup({
      brain: (turn) => {
        seen.push(turn)
        return reply.iterable
      },
    })
    await call.started()
    call.send(prompt('I want to book'))
    await settled()
    reply.push('Gladly. ')
    await settled()
    expect(call.sent).toEqual([text('Gladly. ')]) // on the wire while the rest is not there yet
    reply.push('When?')
    reply.end()
    await settled()
    expect(call.sent).toEqual([text('Gladly. '), text('When?'), text('', true)])
    expect(seen).toMatchObject([
      { source: 'speech', text: 'I want to book', lang: 'en-US', history: [], call: { callSid: 'CA1', from: '+12025550143' } },
    ]) // prettier-ignore
  })

  test('partial prompts are told and answered only once they are whole', async () => {
    const turns: string[] = []
    const call = setup({ brain: async function* (turn) { turns.push(turn.text) } }) // prettier-ignore
    await call.started()
    call.send(prompt('I', false), prompt('I want', false), prompt('I want to book'))
    await settled()
    expect(call.told('partialPrompt')).toEqual([
      { text: 'I', lang: 'en-US' },
      { text: 'I want', lang: 'en-US' },
    ])
    expect(turns).toEqual(['I want to book'])
  })

  test('an interruption suppresses every stale token within the same tick, also those that the brain yields later', async () => {
    const reply = pipe()
    let signal: AbortSignal | undefined
    const call = setup({ brain: (_, context) => ((signal = context.signal), reply.iterable) })
    await call.started()
    call.send(prompt('Tell me about life'))
    await settled()
    reply.push('Life is a complex set ')
    await settled()
    const before = call.sent.length
    reply.push('of moments ') // already resolved, not yet read
    call.send(interrupt('Life is a complex'))
    expect(signal?.aborted).toBe(true) // at once, without a turn of the event loop
    reply.push('and more ')
    reply.push('and more ')
    reply.end()
    await settled()
    expect(call.sent.length).toBe(before) // not one token, not even `last`
    expect(reply.state.isReturned).toBe(true)
    expect(call.session.counts).toMatchObject({ interruptions: 1, stalePieces: 1 })
    expect(call.session.transcript.at(-1)).toMatchObject({
      speaker: 'agent',
      text: 'Life is a complex set ',
      heardText: 'Life is a complex',
      isHeardExact: true,
      interrupted: true,
    })
    expect(call.told('interrupted')).toEqual([
      {
        reply: { turnId: 'agent-1', text: 'Life is a complex set ', heardText: 'Life is a complex' },
        heardText: 'Life is a complex',
        heardMs: 460,
      },
    ])
  })

  test('whatever the schedule, nothing of a reply is sent after it was interrupted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('token', 'prompt', 'interrupt', 'wait'), { maxLength: 40 }),
        async (steps) => {
          const pipes: ReturnType<typeof pipe>[] = []
          const stale = new Set<number>()
          const call = setup({ brain: () => { const p = pipe(); pipes.push(p); return p.iterable }, maxAbandonedReplies: 1000, maxPromptsPerTenSeconds: 1000 }) // prettier-ignore
          await call.started()
          for (const step of steps) {
            const sentBefore = call.sent.length
            if (step === 'token') for (const [i, p] of pipes.entries()) p.push(`${i} `)
            else if (step === 'wait') await settled()
            else {
              call.send(step === 'prompt' ? prompt('x') : interrupt(''))
              for (let i = 0; i < pipes.length - (step === 'prompt' ? 1 : 0); i++) stale.add(i)
            }
            await settled()
            for (const { token } of call.sent.slice(sentBefore)) {
              if (token) expect(stale.has(Number(token))).toBe(false)
            }
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('the caller who goes on before the answer has begun is answered once, on all of it', async () => {
    const seen: RelayTurn[] = []
    const signals: AbortSignal[] = []
    const brain: RelayBrain['respond'] = (turn, { signal }) => {
      seen.push(turn)
      signals.push(signal)
      return pipe().iterable
    }
    const call = setup({ brain })
    await call.started()
    call.send(prompt('My name is'), prompt('Ada'), prompt('Lovelace.'))
    await settled()
    expect(seen.map((turn) => turn.text)).toEqual(['My name is', 'My name is Ada', 'My name is Ada Lovelace.'])
    expect(seen.at(-1)?.history).toEqual([])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false])
    expect(call.told('callerTurn')).toHaveLength(3)
  })

  test('a reply that gives way to another turn is closed on the wire, so that the two are not spoken as one', async () => {
    const replies = [pipe(), pipe()]
    let begun = 0
    const call = setup({ brain: () => replies[begun++]!.iterable })
    await call.started()
    call.send(prompt('Tell me'))
    await settled()
    replies[0]?.push('It is a long ')
    await settled()
    call.send(prompt('Never mind')) // without an interruption: the TwiML forbids it
    await settled()
    replies[0]?.push('story')
    replies[1]?.push('Fine.')
    await settled()
    expect(call.sent).toEqual([text('It is a long '), text('', true), text('Fine.')])
  })

  test('the history of a turn is the call as it was heard', async () => {
    const seen: RelayTurn[] = []
    const call = setup({
      welcomeGreeting: 'Good morning, this is Riverside.',
      brain: async function* (turn) {
        seen.push(turn)
        yield 'We are open from nine to five.'
      },
    })
    await call.started()
    call.send(interrupt('Good morning,'), prompt('When are you open'))
    await settled()
    call.send(interrupt('We are open'), prompt('And on Sunday'))
    await settled()
    expect(seen[1]?.hasInterrupted).toBe(true)
    expect(seen[1]?.history.map((turn) => (turn.speaker === 'agent' ? turn.heardText : turn.text))).toEqual([
      'Good morning,',
      'When are you open',
      'We are open',
    ])
  })

  test('tokens-played makes what was heard exact even when the call breaks off', async () => {
    const call = setup({ brain: async function* () { yield 'One two three four' } }) // prettier-ignore
    await call.started()
    call.send(prompt('Count'))
    await settled()
    call.send(info('agentSpeaking', 'on'), info('tokensPlayed', 'One '), info('tokensPlayed', 'two '))
    call.twilio.close(1000)
    expect(call.session.transcript.at(-1)).toMatchObject({
      heardText: 'One two',
      isHeardExact: true,
      interrupted: true,
    })
    expect(call.end).toBeDefined()
  })

  test('tells what Twilio reports, and tolerates what it does not know', async () => {
    const call = setup()
    await call.started()
    call.send(info('clientSpeaking', 'on'), info('roundTripDelayMs', '87'), { type: 'novelty' })
    call.send({ type: 'error', description: 'Invalid message received, code: 64107, {"secret":"4111"}' })
    expect(call.told('speaking')).toEqual([{ who: 'caller', isSpeaking: true }])
    expect(call.told('info')).toEqual([{ name: 'roundTripDelayMs', value: '87' }])
    expect(call.told('vendorError')).toMatchObject([{ code: 'conversation_relay_reported', vendorCode: '64107' }])
    expect(call.logged.join()).not.toContain('4111')
    expect(call.session.counts.ignored).toBe(1)
    expect(call.session.state).toBe('talking')
  })

  test('a listener or a hook that throws harms nothing', async () => {
    const call = setup({
      brain: {
        async *respond() {
          yield 'Yes.'
        },
        start: () => {
          throw new Error('start')
        },
      },
    })
    call.session.on('callerTurn', () => {
      throw new Error('listener')
    })
    await call.started()
    call.send(prompt('Hello'))
    await settled()
    expect(call.spoken()).toBe('Yes.')
  })
})

describe('who is let in', () => {
  test('nothing that the caller says is handed on before the token is redeemed; then all of it is, in order', async () => {
    let allow: (allowed: boolean) => void = () => undefined
    const turns: string[] = []
    const call = setup({
      authorize: () => new Promise((resolve) => (allow = resolve)),
      brain: async function* (turn) { turns.push(turn.digits || turn.text) }, // prettier-ignore
    })
    call.send(SETUP, prompt('early'), { type: 'dtmf', digit: '#' })
    await settled()
    expect([turns, call.log, call.session.state]).toEqual([[], [], 'authorizing'])
    allow(true)
    await settled()
    expect(call.log[0]?.[0]).toBe('setup')
    expect(turns).toEqual(['early', '#'])
  })

  test.each([
    ['refused', () => false],
    ['not checkable', () => Promise.reject(new Error('redis is gone'))],
  ])('a token that is %s closes the session (1008) and the caller reaches nobody', async (_, authorize) => {
    const turns: string[] = []
    const call = setup({ authorize, brain: async function* (turn) { turns.push(turn.text) } }) // prettier-ignore
    call.send(SETUP, prompt('hello'))
    await settled()
    expect(call.closes).toEqual([[1008, '']])
    expect(turns).toEqual([])
    expect(call.end()).toMatchObject({ reason: 'failed', error: { code: 'conversation_relay_unauthorized' }, setup: undefined }) // prettier-ignore
  })

  test('what comes before setup is ignored, and a setup that never comes closes the socket', async () => {
    const call = setup()
    call.send(prompt('hello'), { type: 'dtmf', digit: '1' })
    expect(call.log).toEqual([])
    call.clock.advance(10_000)
    await settled()
    expect(call.closes).toEqual([[1008, '']])
    expect(call.end()).toMatchObject({ error: { code: 'conversation_relay_setup_timeout' } })
    expect(call.clock.pendingTimers).toBe(0)
  })

  test('a second setup changes nothing', async () => {
    const call = setup()
    await call.started()
    call.send({ ...SETUP, callSid: 'CA2' })
    await settled()
    expect(call.session.setup?.callSid).toBe('CA1')
  })
})

describe('bad input', () => {
  test('ten malformed messages in a row close the session as Twilio does, nine do not', async () => {
    const call = setup()
    await call.started()
    for (let i = 0; i < 9; i++) call.twilio.send('{"type":"prompt"}')
    call.send({ type: 'novelty' }) // unknown is not malformed
    for (let i = 0; i < 9; i++) call.twilio.send('nonsense')
    expect(call.session.state).toBe('talking')
    call.twilio.send('[]')
    await settled()
    expect(call.closes).toEqual([[1007, 'Too many consecutive malformed messages.']])
    expect(call.end()).toMatchObject({ error: { code: 'conversation_relay_message_invalid' } })
  })

  test('a message over the limit closes the session (1009)', async () => {
    const call = setup({ maxMessageChars: 1000 })
    await call.started()
    call.send(prompt('a'.repeat(1000)))
    expect(call.closes).toEqual([[1009, '']])
  })

  test('a prompt storm is bounded: prompts beyond thirty in ten seconds are dropped and counted, the last one is answered', async () => {
    const turns: string[] = []
    const call = setup({ brain: async function* (turn) { turns.push(turn.text); yield 'Yes.' } }) // prettier-ignore
    await call.started()
    for (let i = 0; i < 1000; i++) call.send(prompt(`prompt ${i}`))
    await settled()
    expect(turns.length).toBeLessThanOrEqual(9) // eight at a time, and the last
    expect(turns.at(-1)).toMatch(/prompt 29$/)
    expect(call.spoken()).toBe('Yes.')
    expect(call.session.counts).toMatchObject({ prompts: 1000, droppedPrompts: 970 })
    call.clock.advance(10_000)
    call.send(prompt('again'))
    await settled()
    expect(turns.at(-1)).toBe('again')
    expect(call.session.transcript.length).toBeLessThanOrEqual(200)
  })

  test('a long prompt loses its beginning, not its end', async () => {
    const turns: string[] = []
    const call = setup({ maxPromptChars: 5, brain: async function* (turn) { turns.push(turn.text) } }) // prettier-ignore
    await call.started()
    call.send(prompt('0123456789'))
    await settled()
    expect(turns).toEqual(['56789'])
  })

  test('a brain that ignores its signal is begun only so often; then the caller hears an apology', async () => {
    let begun = 0
    const never = (): AsyncIterable<ReplyPart> => {
      begun++
      return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    }
    const call = setup({ brain: never, maxAbandonedReplies: 3 })
    await call.started()
    for (let i = 0; i < 5; i++) {
      call.send(interrupt(''), prompt('hello'))
      await settled()
    }
    expect(begun).toBe(3)
    call.clock.advance(15_100)
    expect(call.told('replyFailed')).toMatchObject([{ error: { code: 'relay_brain_busy' } }])
    expect(call.spoken()).toMatch(/^One moment, please\. .*I am sorry/)
  })

  test('a brain that throws in mid-sentence: what it said stands, and an apology follows', async () => {
    const call = setup({
      brain: async function* () {
        yield 'Your balance is'
        throw new Error('connection reset, key sk-123')
      },
    })
    await call.started()
    call.send(prompt('Balance'))
    await settled()
    expect(call.spoken()).toBe('Your balance is I am sorry, something went wrong. Could you say that again?')
    expect(call.sent.at(-1)).toMatchObject({ last: true })
    const [failure] = call.told('replyFailed') as { error: VoiceError }[]
    expect(failure?.error.code).toBe('relay_brain_failed')
    expect(failure?.error.message).not.toContain('sk-123')
    expect(call.logged.join()).not.toContain('sk-123')
    expect(call.session.state).toBe('talking')
  })

  test.each([
    ['throws at once', () => { throw new Error('no') }], // prettier-ignore
    ['gives back something that cannot be read', () => 'text' as never],
    ['yields something that is no part', async function* () { yield { shout: 'hey' } as never }], // prettier-ignore
    ['yields a part that Twilio would refuse', async function* () { yield { sendDigits: 'abc' } }], // prettier-ignore
  ] as const)('a brain that %s: the caller hears an apology', async (_, brain) => {
    const call = setup({ brain })
    await call.started()
    call.send(prompt('Hello'))
    await settled()
    expect(call.spoken()).toMatch(/^I am sorry/)
    expect(call.told('replyFailed')).toMatchObject([{ error: { code: 'relay_brain_failed' } }])
  })

  test('a brain that never yields: a filler, then an apology, and the signal aborts', async () => {
    let signal: AbortSignal | undefined
    const call = setup({ brain: (_, context) => ((signal = context.signal), pipe().iterable) })
    await call.started()
    call.send(prompt('Hello'))
    await settled()
    call.clock.advance(2900)
    expect(call.sent).toEqual([])
    call.clock.advance(200)
    expect(call.spoken()).toBe('One moment, please. ')
    call.clock.advance(12_000)
    await settled()
    expect(signal?.aborted).toBe(true)
    expect(call.spoken()).toBe('One moment, please.  I am sorry, something went wrong. Could you say that again?')
    expect(call.told('replyFailed')).toMatchObject([{ error: { code: 'relay_brain_timeout' } }])
  })

  test('a brain that fails again and again: the session says goodbye and ends with a reason', async () => {
    const call = setup({ brain: () => { throw new Error('no') } }) // prettier-ignore
    await call.started()
    for (let i = 0; i < 3; i++) {
      call.send(prompt('Hello'))
      await settled()
    }
    expect(call.spoken()).toMatch(/I will end the call now\. Goodbye\.$/)
    expect(call.sent.at(-1)?.type).toBe('text') // the goodbye is heard first
    call.clock.advance(30_000)
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"brain-failed"}' })
  })

  test('a brain that yields a megabyte: the reply is cut at its limit, in messages of a bounded size', async () => {
    let signal: AbortSignal | undefined
    const call = setup({
      brain: async function* (_, context) {
        signal = context.signal
        yield 'ab'.repeat(500_000)
        yield 'more'
      },
    })
    await call.started()
    call.send(prompt('Read me the phone book'))
    await settled()
    expect(call.spoken()).toHaveLength(20_000)
    expect(Math.max(...call.sent.map(({ token = '' }) => token.length))).toBeLessThanOrEqual(2000)
    expect(call.sent.at(-1)).toEqual(text('', true))
    expect(signal?.aborted).toBe(true)
    expect(call.told('replyFailed')).toMatchObject([{ error: { code: 'relay_reply_too_long' } }])
  })

  test('a peer that reads nothing ends the session instead of filling the memory', async () => {
    const clock = new ManualClock()
    const [ours, twilio] = socketPair()
    const stalled: Socket = {
      bufferedAmount: 2_000_000,
      send: (message) => ours.send(message),
      close: (code, reason) => ours.close(code, reason),
      terminate: () => ours.terminate(),
      listen: (handlers) => ours.listen(handlers),
    }
    const session = new ConversationRelaySession({ socket: stalled, clock, brain: async function* () { yield 'a'; yield 'b' } }) // prettier-ignore
    twilio.send(JSON.stringify(SETUP))
    await settled()
    twilio.send(JSON.stringify(prompt('Hello')))
    await settled()
    expect(await session.ended).toMatchObject({ reason: 'failed', error: { code: 'conversation_relay_stalled' } })
    expect(session.counts.sent).toBe(1)
  })

  test('characters that come in halves are put together; a half that stays alone does not break the message', async () => {
    const call = setup({
      brain: async function* () {
        yield 'Fine \ud83d'
        yield '\ude00 and \ud83d'
      },
    })
    await call.started()
    call.send(prompt('How are you'))
    await settled()
    expect(call.spoken()).toBe('Fine \u{1f600} and \ufffd')
  })

  test.each([{ turnTimeoutMs: 0 }, { maxReplyChars: -1 }, { setupTimeoutMs: Number.NaN }])(
    'a limit that is none is refused at once: %j',
    (options) => {
      expect(() => setup(options)).toThrow(RangeError)
    },
  )
})

describe('time', () => {
  test('a silent caller is asked twice, then told goodbye, and the session ends', async () => {
    const call = setup({ turnTimeoutMs: 10_000 })
    await call.started()
    call.clock.advance(10_100)
    expect(call.spoken()).toBe('Are you still there?')
    call.clock.advance(15_000)
    call.clock.advance(15_000)
    expect(call.told('silence')).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }])
    expect(call.spoken()).toMatch(/Goodbye\.$/)
    call.clock.advance(10_000)
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"caller-silent"}' })
  })

  test('a caller who answers in time starts the count anew, and one who is speaking is not silent', async () => {
    const call = setup({ turnTimeoutMs: 10_000 })
    await call.started()
    call.clock.advance(10_100)
    call.send(prompt('Yes'))
    await settled()
    call.send(info('clientSpeaking', 'on'))
    call.clock.advance(20_000)
    expect(call.told('silence')).toEqual([{ count: 1 }])
    call.send(info('clientSpeaking', 'off'))
    call.clock.advance(10_200)
    expect(call.told('silence')).toEqual([{ count: 1 }, { count: 1 }])
  })

  test('silence can be the brain\u2019s affair, or nobody\u2019s', async () => {
    const turns: string[] = []
    const brain = async function* (turn: RelayTurn) { turns.push(turn.source) } // prettier-ignore
    const asked = setup({ turnTimeoutMs: 1000, onSilence: 'brain', brain })
    await asked.started()
    asked.clock.advance(1200)
    await settled()
    expect(turns).toEqual(['silence'])
    const off = setup({ turnTimeoutMs: 1000, onSilence: 'off' })
    await off.started()
    off.clock.advance(60_000)
    expect([off.sent, off.told('silence')]).toEqual([[], []])
  })

  test('a reply that takes longer to say than agentTurnTimeoutMs is cut there', async () => {
    const reply = pipe()
    const call = setup({ brain: () => reply.iterable, agentTurnTimeoutMs: 5000 })
    await call.started()
    call.send(prompt('Explain'))
    await settled()
    reply.push('Well. ')
    await settled()
    call.clock.advance(5100)
    expect(call.told('replyLimited')).toEqual([{ turnId: 'agent-1' }])
    expect(call.sent.at(-1)).toEqual(text('', true))
    reply.push('More.')
    await settled()
    expect(call.spoken()).toBe('Well. ')
  })

  test('the longest session is ended with a reason', async () => {
    const call = setup({ maxDurationMs: 60_000, onSilence: 'off' })
    await call.started()
    call.clock.advance(60_100)
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"max-duration"}' })
  })

  test('phrases follow the language that is spoken', async () => {
    const call = setup({
      language: 'en-US',
      brain: async function* () {
        yield { language: 'es-ES' }
        throw new Error('no')
      },
      phrases: (language) => (language.startsWith('es') ? { apology: 'Lo siento.' } : {}),
    })
    await call.started()
    call.send(prompt('Español por favor'))
    await settled()
    expect(call.spoken()).toBe('Lo siento.')
  })

  test('no timer is left when it is over', async () => {
    const call = setup({ brain: () => pipe().iterable })
    await call.started()
    call.send(prompt('Hello'), { type: 'dtmf', digit: '1' })
    await settled()
    call.session.close()
    call.session.close()
    await call.session.ended
    expect(call.clock.pendingTimers).toBe(0)
    expect(call.told('ended')).toHaveLength(1)
  })
})

describe('more than text', () => {
  test('a reply may change the language, play, press keys, and each stands in its place', async () => {
    const call = setup({
      brain: async function* () {
        yield 'Un momento. '
        yield { language: { tts: 'es-ES', transcription: 'es-MX' } }
        yield { say: 'Hola ', lang: 'es-ES', interruptible: false }
        yield { play: 'https://app.example.com/chime.wav' }
        yield { sendDigits: '1w#' }
      },
    })
    await call.started()
    call.send(prompt('Hola'))
    await settled()
    expect(call.sent).toEqual([
      text('Un momento. '),
      { type: 'language', ttsLanguage: 'es-ES', transcriptionLanguage: 'es-MX' },
      { ...text('Hola '), lang: 'es-ES', interruptible: false },
      { type: 'play', source: 'https://app.example.com/chime.wav' },
      { type: 'sendDigits', digits: '1w#' },
      text('', true),
    ])
    expect(call.session.language).toBe('es-ES')
    expect(call.told('languageChanged')).toEqual([{ tts: 'es-ES', transcription: 'es-MX' }])
  })

  test('keys are told one by one and answered as a row', async () => {
    const turns: RelayTurn[] = []
    const call = setup({ brain: async function* (turn) { turns.push(turn) } }) // prettier-ignore
    await call.started()
    for (const digit of '42') call.send({ type: 'dtmf', digit })
    call.clock.advance(1600)
    await settled()
    expect(call.told('digit')).toEqual(['4', '2'])
    expect(turns).toMatchObject([{ source: 'digits', digits: '42', text: '' }])
    expect(call.session.transcript).toMatchObject([{ speaker: 'caller', digits: '42' }])
  })

  test('an end waits until the goodbye was heard, and carries what whoever takes over needs', async () => {
    const call = setup({
      brain: async function* () {
        yield 'I put you through.'
        yield { end: { reasonCode: 'live-agent', topic: 'billing' } }
        yield 'never said'
      },
    })
    await call.started()
    call.send(prompt('A person please'))
    await settled()
    call.send(info('agentSpeaking', 'on'))
    call.clock.advance(10_000)
    expect(call.sent.at(-1)).toEqual(text('', true))
    call.send(info('agentSpeaking', 'off'))
    call.clock.advance(100)
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"live-agent","topic":"billing"}' })
    call.twilio.close(1000)
    await settled()
    expect(call.end()).toMatchObject({ reason: 'ended', handoffData: { reasonCode: 'live-agent' } })
    expect(call.spoken()).toBe('I put you through.')
    expect(call.session.transcript.at(-1)).toMatchObject({ heardText: 'I put you through.', interrupted: false })
  })

  test('a goodbye that the caller cuts is followed by the end at once', async () => {
    const call = setup({ brain: async function* () { yield 'Goodbye and have a very nice day.'; yield { end: true } } }) // prettier-ignore
    await call.started()
    call.send(prompt('Bye'))
    await settled()
    call.send(interrupt('Goodbye'))
    expect(call.sent.at(-1)).toEqual({ type: 'end' })
  })

  test('an end of an aborted reply never reaches the wire', async () => {
    const reply = pipe()
    const call = setup({ brain: () => reply.iterable })
    await call.started()
    call.send(prompt('Bye'))
    await settled()
    call.send(interrupt(''))
    reply.push({ end: true })
    await settled()
    expect(call.sent).toEqual([])
    expect(call.session.state).toBe('talking')
  })

  test('Twilio that does not close after the end is closed on', async () => {
    const call = setup()
    await call.started()
    call.session.end({ afterSpeech: false })
    call.clock.advance(5000)
    await settled()
    expect(call.closes).toEqual([[1000, '']])
    expect(call.end()).toMatchObject({ reason: 'ended' })
  })

  test('handoff data that are too long are refused at once', async () => {
    const call = setup()
    await call.started()
    expect(() => call.session.end({ handoffData: 'x'.repeat(16_385) })).toThrow(RangeError)
  })

  test.each([
    [1000, 'caller-hung-up'],
    [1006, 'socket-closed'],
  ] as const)('a socket that closes with %i means: %s', async (code, reason) => {
    const call = setup()
    await call.started()
    call.twilio.close(code)
    await settled()
    expect(call.end()).toMatchObject({ reason, closeCode: code, error: undefined })
  })

  test('a brain may speak of its own accord, after what is being said', async () => {
    const reply = pipe()
    const brain: RelayBrain = {
      respond: () => reply.iterable,
      start: (call) => call.speak('Hello, this is Riverside. '),
    }
    const call = setup({ brain })
    await call.started()
    call.send(prompt('Hi'))
    await settled()
    reply.push('First. ')
    await settled()
    call.session.speak('Second.')
    await settled()
    expect(call.spoken()).toBe('Hello, this is Riverside. First. ')
    reply.end()
    await settled()
    expect(call.spoken()).toBe('Hello, this is Riverside. First. Second.')
  })

  test('nothing about a person stands in a log line', async () => {
    const call = setup({ brain: () => { throw new Error('+12025550143') } }) // prettier-ignore
    await call.started()
    call.send(prompt('My card is 4111'), { type: 'novelty', from: '+12025550143' })
    call.twilio.send('{"type":"prompt","voicePrompt":4111}')
    await settled()
    expect(call.logged.length).toBeGreaterThan(1)
    expect(call.logged.join()).not.toMatch(/4111|\+1202|secret-token/)
  })
})

test('what Twilio counts to one stretch of speech is parted between the turns that it spans', async () => {
  const replies = ['One moment.', 'I found Thursday for you.']
  const call = setup({ brain: async function* () { yield replies.shift() ?? '' } }) // prettier-ignore
  await call.started()
  call.send(prompt('move it'))
  await settled()
  call.session.speak('I found Thursday for you.')
  await settled()
  call.send(info('tokensPlayed', 'One '), info('tokensPlayed', 'moment.'), interrupt('One moment. I found'))
  expect(call.session.transcript.slice(1)).toMatchObject([
    { heardText: 'One moment.', interrupted: false },
    { heardText: 'I found', interrupted: true },
  ])
})

describe('accept', () => {
  const brain: RelayBrain['respond'] = async function* (turn) { yield `Hello ${turn.call.callSid}.` } // prettier-ignore

  test('chooses who answers once it is known which call it is, with its own limits and greeting', async () => {
    const call = setup({
      brain: undefined as never,
      accept: ({ callSid }) =>
        callSid === 'CA1' ? { brain, welcomeGreeting: 'Welcome.', turnTimeoutMs: 1000 } : undefined,
    })
    await call.started()
    call.clock.advance(4000)
    expect(call.told('silence').length).toBeGreaterThan(0)
    call.send(prompt('Hi'))
    await settled()
    expect(call.spoken()).toMatch(/Hello CA1\.$/)
    expect(call.session.transcript[0]).toMatchObject({ turnId: 'greeting', heardText: 'Welcome.' })
  })

  test('an unknown call is refused (1008), and what accept throws refuses it too', async () => {
    for (const accept of [() => undefined, () => Promise.reject(new Error('no'))]) {
      const call = setup({ brain: undefined as never, accept })
      await call.started()
      expect(call.closes).toEqual([[1008, '']])
    }
  })

  test('a session that nobody could answer is a mistake at once', () => {
    expect(() => setup({ brain: undefined as never })).toThrow(TypeError)
  })
})

test('a brain that remembers by itself is told only what is new, also after it was too busy to be asked', async () => {
  const asked: string[] = []
  const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  const call = setup({ maxAbandonedReplies: 2, brain: (turn) => (asked.push(turn.newText), never) })
  await call.started()
  call.send(prompt('one'), prompt('two'), prompt('three'), prompt('four'))
  await settled()
  expect(asked).toEqual(['one', 'two'])
  expect(call.told('callerTurn')).toHaveLength(4)
})
