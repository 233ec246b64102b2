import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMulaw } from '../../../src/audio/mulaw.js'
import type { AgentStep, Speech } from '../../../src/simulator/elevenlabs/script.js'
import { syntheticSpeech } from '../../../src/simulator/elevenlabs/utterance.js'
import type { Alignment } from '../../../src/simulator/elevenlabs/voice.js'
import { loadSpeech } from '../../support/speech.js'
import { connect, type Frame } from './raw-client.js'

const speech = loadSpeech()
const known = Object.values(speech)

const audioIds = (frames: readonly Frame[]): number[] => {
  return frames.filter(({ type }) => type === 'audio').map((frame) => frame['audio_event'].event_id as number)
}
const audioOf = (frames: readonly Frame[]): Buffer => {
  return Buffer.concat(
    frames
      .filter(({ type }) => type === 'audio')
      .map((frame) => Buffer.from(frame['audio_event'].audio_base_64 as string, 'base64')),
  )
}

describe('the start of a conversation', () => {
  test('nothing is sent before the initiation, and the metadata is the first answer to it', async () => {
    const call = connect({ firstMessage: 'Hello.' })
    await call.clock.advanceAsync(3000)
    expect(call.frames).toEqual([])
    await call.begin()
    expect(call.frames[0]).toMatchObject({
      type: 'conversation_initiation_metadata',
      conversation_initiation_metadata_event: {
        conversation_id: 'conv_1',
        agent_output_audio_format: 'ulaw_8000',
        user_input_audio_format: 'ulaw_8000',
      },
    })
  })

  test('pings start at event id 0, and only those after a pong tell a latency', async () => {
    const call = connect({ pingIntervalMs: 1000 })
    await call.begin()
    await call.silence(2500)
    expect(call.of('ping').map((frame) => frame['ping_event'] as unknown)).toEqual([
      { event_id: 0 },
      { event_id: 1, ping_ms: 0 },
      { event_id: 2, ping_ms: 0 },
    ])
    expect(call.conversation.received.filter(({ type }) => type === 'pong')).toHaveLength(3)
  })

  test('the first message is announced as text and comes whole, faster than it is heard, in chunks with rising ids', async () => {
    const call = connect({ firstMessage: speech.greeting, chunkMs: 400, pace: 4 })
    await call.begin()
    await call.silence(speech.greeting.durationMs / 4 + 100)
    expect(call.of('agent_response')[0]?.['agent_response_event']).toEqual({
      agent_response: speech.greeting.text,
      event_id: 1,
    })
    expect(audioOf(call.frames).equals(Buffer.from(speech.greeting.audio))).toBe(true)
    const ids = audioIds(call.frames)
    expect(ids).toEqual(ids.map((_, i) => i + 2))
    expect(call.types().indexOf('agent_response')).toBeLessThan(call.types().indexOf('audio'))
    expect(call.of('agent_response_complete')).toHaveLength(1)
    expect(call.conversation.isSpeaking).toBe(true) // the sound of it goes on for ten seconds
  })

  test('the alignment tells every character once, within its chunk', async () => {
    const call = connect({ firstMessage: speech.offer })
    await call.begin()
    await call.silence(3000)
    const alignments = call.of('audio').map((frame) => frame['audio_event'].alignment as Alignment)
    expect(alignments.flatMap(({ chars }) => chars).join('')).toBe(speech.offer.text)
    for (const { chars, char_start_times_ms, char_durations_ms } of alignments) {
      expect([char_start_times_ms.length, char_durations_ms.length]).toEqual([chars.length, chars.length])
      for (const ms of char_start_times_ms) expect(ms >= 0 && ms <= 400).toBe(true)
    }
  })

  test.each(['pcm_8000', 'pcm_16000', 'pcm_24000'] as const)('an agent set to %s really speaks it', async (format) => {
    const call = connect({ firstMessage: speech['one-moment'], agentOutputAudioFormat: format })
    await call.begin()
    await call.silence(2000)
    const metadata = call.frames[0]?.['conversation_initiation_metadata_event']
    expect(metadata.agent_output_audio_format).toBe(format)
    const bytes = audioOf(call.frames)
    const perMs = (Number(format.slice(4)) / 1000) * 2
    expect(bytes.length / perMs / speech['one-moment'].durationMs).toBeCloseTo(1, 1)
    const loudest = Math.max(...new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1).map(Math.abs))
    const original = Math.max(...decodeMulaw(speech['one-moment'].audio).map(Math.abs))
    expect(loudest / original).toBeGreaterThan(0.7)
    expect(loudest / original).toBeLessThan(1.4)
  })
})

describe('the turns', () => {
  test('the right sound is recognised, transcribed and answered, after the silence that ends a turn', async () => {
    const call = connect({
      speech: known,
      endOfTurnMs: 600,
      thinkMs: 200,
      script: [{ after: speech['move-request'].text, reply: speech['ask-confirmation'] }],
    })
    await call.begin()
    await call.silence(500)
    await call.talk(speech['move-request'].audio)
    const finishedAtMs = call.clock.monotonicMs()
    await call.silence(1500)
    expect(call.conversation.heard).toMatchObject([
      { source: 'audio', text: speech['move-request'].text, turn: 0, hasInterrupted: false },
    ])
    const [transcript] = call.of('user_transcript')
    expect(transcript?.['user_transcription_event'].user_transcript).toBe(speech['move-request'].text)
    expect(Math.abs(transcript?.['atMs'] - finishedAtMs - 600)).toBeLessThan(200)
    expect(Math.abs(call.of('audio')[0]?.['atMs'] - finishedAtMs - 800)).toBeLessThan(240)
    expect(call.conversation.scriptProblems).toEqual([])
  })

  test('what is being said is guessed before it is over, and every guess is how it begins', async () => {
    const call = connect({ speech: known })
    await call.begin()
    await call.talk(speech['move-request'].audio)
    const guesses = call
      .of('tentative_user_transcript')
      .map((frame) => frame['tentative_user_transcription_event'].user_transcript as string)
    expect(guesses.length).toBeGreaterThan(1)
    for (const guess of guesses) expect(speech['move-request'].text.startsWith(guess)).toBe(true)
  })

  test('silence, hiss and a click are no turn', async () => {
    const call = connect({ speech: known })
    await call.begin()
    await call.silence(1000)
    await call.talk(Uint8Array.from({ length: 8000 }, (_, i) => (i % 2 === 0 ? 0xfc : 0x7c)))
    await call.talk(new Uint8Array(160).fill(0x80))
    await call.silence(1500)
    expect(call.conversation.heard).toEqual([])
  })

  test('a sound that is not known is a turn without words', async () => {
    const call = connect({ speech: known, script: () => 'Pardon?' })
    await call.begin()
    await call.talk(syntheticSpeech('these words nobody recorded at all').audio)
    await call.silence(1000)
    expect(call.conversation.heard).toMatchObject([{ text: '', similarity: 0 }])
    expect(call.of('user_transcript')[0]?.['user_transcription_event'].user_transcript).toBe('...')
    expect(call.of('agent_response')).toHaveLength(1)
  })

  test('a turn whose audio stops in the middle of a word is over, too', async () => {
    const call = connect({ speech: known })
    await call.begin()
    await call.talk(speech['move-request'].audio.subarray(0, 8000))
    await call.clock.advanceAsync(1500, 20)
    expect(call.conversation.heard).toHaveLength(1)
  })

  test('audio that was held back and comes at once is heard as what it is', async () => {
    const call = connect({ speech: known })
    await call.begin()
    const withSilence = Buffer.concat([speech.accept.audio, Buffer.alloc(8000, 0xff)])
    call.send({ user_audio_chunk: withSilence.toString('base64') })
    expect(call.conversation.heard).toMatchObject([{ text: speech.accept.text }])
  })

  test.each(['pcm_8000', 'pcm_16000'] as const)('a caller is understood in %s', async (format) => {
    const call = connect({ speech: known, userInputAudioFormat: format })
    await call.begin()
    const pcm = decodeMulaw(speech.accept.audio)
    const samples = format === 'pcm_8000' ? pcm : Int16Array.from({ length: pcm.length * 2 }, (_, i) => pcm[i >> 1]!)
    const quiet = new Int16Array(samples.length)
    for (const part of [samples, quiet]) {
      const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
      for (let at = 0; at < bytes.length; at += 640) {
        call.send({ user_audio_chunk: bytes.subarray(at, at + 640).toString('base64') })
      }
    }
    expect(call.conversation.heard).toMatchObject([{ text: speech.accept.text }])
  })

  test('the same audio in any cuts gives the same turn', async () => {
    const all = Buffer.concat([Buffer.alloc(1600, 0xff), speech.accept.audio, Buffer.alloc(8000, 0xff)])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }), async (cuts) => {
        const call = connect({ speech: known })
        await call.begin()
        let at = 0
        for (let i = 0; at < all.length; i++) {
          const next = at + cuts[i % cuts.length]!
          call.send({ user_audio_chunk: all.subarray(at, next).toString('base64') })
          at = next
        }
        expect(call.conversation.heard).toMatchObject([{ text: speech.accept.text }])
      }),
      { numRuns: 50 },
    )
  })

  test('a turn of the caller while the agent waits for a tool is answered after it', async () => {
    const call = connect({
      speech: known,
      script: (heard) => (heard.turn === 0 ? [{ callTool: { name: 'slow' } }, 'Done.'] : 'Second.'),
    })
    await call.begin()
    call.send({ type: 'user_message', text: 'first' })
    await call.clock.advanceAsync(500)
    call.send({ type: 'user_message', text: 'second' })
    await call.clock.advanceAsync(500)
    expect(call.of('agent_response')).toEqual([])
    const id = call.of('client_tool_call')[0]?.['client_tool_call'].tool_call_id as string
    call.send({ type: 'client_tool_result', tool_call_id: id, result: 'ok', is_error: false })
    await call.clock.advanceAsync(1500)
    const said = call.of('agent_response').map((frame) => frame['agent_response_event'].agent_response as string)
    expect(said).toEqual(['Done.', 'Second.'])
  })

  test('silence of both gives the script a turn, and user_activity puts it off', async () => {
    const call = connect({
      turnTimeoutMs: 3000,
      script: (heard) => (heard.source === 'silence' ? 'Still there?' : undefined),
    })
    await call.begin()
    await call.silence(2500)
    call.send({ type: 'user_activity' })
    await call.silence(2500)
    expect(call.conversation.heard).toEqual([])
    await call.silence(1000)
    expect(call.conversation.heard).toMatchObject([{ source: 'silence' }])
    expect(call.of('agent_response')).toHaveLength(1)
    expect(call.of('user_transcript')).toEqual([])
  })

  test('a list notes what was heard instead, and a turn that it does not have', async () => {
    const call = connect({ speech: known, script: [{ after: speech.accept.text, reply: 'Fine.' }] })
    await call.begin()
    call.send({ type: 'user_message', text: 'no' })
    call.send({ type: 'user_message', text: 'no' })
    await call.clock.advanceAsync(3000)
    expect(call.conversation.scriptProblems).toEqual([
      'turn 0: something else was heard',
      'turn 1: the script has no such turn',
    ])
  })

  test('a script that throws ends the conversation as a crash of the server does', async () => {
    const call = connect({
      script: () => {
        throw new Error('bug')
      },
    })
    await call.begin()
    call.send({ type: 'user_message', text: 'hi' })
    await call.clock.advanceAsync(500)
    expect(call.closed()?.code).toBe(1011)
    expect(call.conversation.scriptProblems).toEqual(['the script threw'])
  })

  test('a stream of replies is said part by part, as it comes', async () => {
    async function* reply(): AsyncGenerator<Speech | AgentStep, void, undefined> {
      yield 'One.'
      await Promise.resolve()
      yield { waitMs: 1000 }
      yield 'Two.'
    }
    const call = connect({ script: reply })
    await call.begin()
    call.send({ type: 'user_message', text: 'count' })
    await call.clock.advanceAsync(700)
    expect(call.of('agent_response')).toHaveLength(1)
    await call.clock.advanceAsync(1500)
    expect(call.of('agent_response')).toHaveLength(2)
    expect(call.of('agent_response_complete')).toHaveLength(1)
  })
})

describe('barge-in', () => {
  const bargeIn = async (options: Parameters<typeof connect>[0] = {}) => {
    const call = connect({ speech: known, firstMessage: speech.greeting, ...options })
    await call.begin()
    await call.silence(4000)
    await call.talk(speech['move-request'].audio)
    await call.silence(900)
    return call
  }

  test('speech over the agent interrupts it, by the id of the last audio that was sent', async () => {
    const call = await bargeIn()
    const [interruption, second] = call.of('interruption')
    expect(second).toBeUndefined()
    const before = call.frames.slice(0, call.types().indexOf('interruption'))
    expect(interruption?.['interruption_event']).toEqual({ event_id: Math.max(...audioIds(before)) })
    expect(call.conversation.heard).toMatchObject([{ text: speech['move-request'].text, hasInterrupted: true }])
  })

  test('it takes as much speech as bargeInMs says, and the agent is cut at that moment', async () => {
    const quick = await bargeIn({ bargeInMs: 100 })
    const slow = await bargeIn({ bargeInMs: 600 })
    const startMs = 4020
    const at = (call: typeof quick): number => {
      return (call.of('interruption')[0]?.['atMs'] as number) - (call.frames[0]?.['atMs'] as number)
    }
    expect(at(quick) - startMs).toBeLessThan(300)
    expect(at(slow) - at(quick)).toBeGreaterThan(350)
  })

  test('the correction holds the words that were heard by then', async () => {
    const call = await bargeIn()
    const correction = call.of('agent_response_correction')[0]?.['agent_response_correction_event']
    expect(correction).toMatchObject({ original_agent_response: speech.greeting.text, event_id: 1 })
    const heard = (correction.corrected_agent_response as string).replace('...', '')
    expect(speech.greeting.text.startsWith(heard)).toBe(true)
    const share = heard.length / speech.greeting.text.length
    expect(Math.abs(share - 4200 / speech.greeting.durationMs)).toBeLessThan(0.06)
    expect(call.conversation.record.transcript[0]).toMatchObject({
      interrupted: true,
      original_message: speech.greeting.text,
    })
  })

  test('on demand, audio of the old turn comes late, with ids up to the interrupted one', async () => {
    const call = await bargeIn({ lateChunks: 3 })
    const after = call.frames.slice(call.types().indexOf('interruption'))
    const id = after[0]?.['interruption_event'].event_id as number
    expect(audioIds(after)).toEqual([id - 2, id - 1, id])
  })

  test('what is said after an interruption has greater ids', async () => {
    const call = await bargeIn({ script: () => speech['ask-confirmation'] })
    await call.silence(500)
    const after = call.frames.slice(call.types().indexOf('interruption'))
    const id = after[0]?.['interruption_event'].event_id as number
    expect(audioIds(after).length).toBeGreaterThan(0)
    expect(Math.min(...audioIds(after))).toBeGreaterThan(id)
  })

  test('speech while the agent is silent is no interruption', async () => {
    const call = connect({ speech: known, firstMessage: speech['one-moment'] })
    await call.begin()
    await call.silence(2500)
    await call.talk(speech.accept.audio)
    await call.silence(800)
    expect(call.of('interruption')).toEqual([])
    expect(call.conversation.heard).toMatchObject([{ hasInterrupted: false }])
  })

  test('what must be heard cannot be talked down', async () => {
    const call = connect({
      speech: known,
      script: [{ reply: { say: speech.greeting, interruptible: false } }, { reply: 'Yes?' }],
    })
    await call.begin()
    call.send({ type: 'user_message', text: 'start' })
    await call.silence(1500)
    await call.talk(speech.accept.audio)
    await call.silence(1000)
    expect(call.of('interruption')).toEqual([])
    expect(
      audioOf(call.frames).subarray(0, speech.greeting.audio.length).equals(Buffer.from(speech.greeting.audio)),
    ).toBe(true)
  })

  test('a user message interrupts like speech', async () => {
    const call = connect({ firstMessage: speech.greeting })
    await call.begin()
    await call.silence(1000)
    call.send({ type: 'user_message', text: 'stop' })
    expect(call.of('interruption')).toHaveLength(1)
  })

  test('the rest of an interrupted turn is dropped, its tools included', async () => {
    const call = connect({ script: () => [speech.greeting, { waitMs: 2000 }, { callTool: { name: 'never' } }] })
    await call.begin()
    call.send({ type: 'user_message', text: 'start' })
    await call.silence(4500)
    call.conversation.interrupt()
    await call.silence(4000)
    expect(call.of('client_tool_call')).toEqual([])
  })
})

describe('tools', () => {
  const withTool = (parameters: Partial<{ timeoutMs: number; expectsResponse: boolean }> = {}) => {
    return connect({
      script: async function* () {
        const result = (yield { callTool: { name: 'find', parameters: { id: 'A17' }, ...parameters } })!
        yield result.hasTimedOut ? 'Nothing came.' : `${result.isError ? 'Failed' : 'Found'}: ${result.result}`
      },
    })
  }
  const said = (call: ReturnType<typeof connect>): string[] => {
    return call.of('agent_response').map((frame) => frame['agent_response_event'].agent_response as string)
  }

  test('a client tool is called, and its result goes to the script', async () => {
    const call = withTool()
    await call.begin()
    call.send({ type: 'user_message', text: 'go' })
    await call.clock.advanceAsync(500)
    const { tool_call_id, event_id, ...rest } = call.of('client_tool_call')[0]?.['client_tool_call']
    expect(rest).toEqual({ tool_name: 'find', parameters: { id: 'A17' }, expects_response: true })
    expect(typeof event_id).toBe('number')
    call.send({ type: 'client_tool_result', tool_call_id, result: '{"day":"Thursday"}', is_error: false })
    await call.clock.advanceAsync(500)
    expect(said(call)).toEqual(['Found: {"day":"Thursday"}'])
    expect(call.of('agent_tool_response')[0]?.['agent_tool_response']).toMatchObject({
      tool_name: 'find',
      tool_call_id,
      tool_type: 'client',
      is_error: false,
      is_called: true,
    })
    const turn = call.conversation.record.transcript.find(({ tool_calls }) => tool_calls.length > 0)
    expect(turn?.tool_calls[0]).toMatchObject({ tool_name: 'find', params_as_json: '{"id":"A17"}' })
    expect(turn?.tool_results[0]).toMatchObject({ result_value: '{"day":"Thursday"}', is_error: false })
  })

  test('a tool without an answer times out, and an answer after that is ignored', async () => {
    const call = withTool({ timeoutMs: 1000 })
    await call.begin()
    call.send({ type: 'user_message', text: 'go' })
    await call.clock.advanceAsync(2000)
    expect(said(call)).toEqual(['Nothing came.'])
    expect(call.of('agent_tool_response')[0]?.['agent_tool_response']).toMatchObject({
      is_error: true,
      is_called: false,
    })
    const tool_call_id = call.of('client_tool_call')[0]?.['client_tool_call'].tool_call_id as string
    call.send({ type: 'client_tool_result', tool_call_id, result: 'late', is_error: false })
    expect(call.violations).toEqual([])
    call.send({ type: 'client_tool_result', tool_call_id, result: 'twice', is_error: false })
    expect(call.violations.map(({ kind }) => kind)).toEqual(['tool_result_repeated'])
    expect(call.closed()).toBeUndefined()
  })

  test('the agent goes on at once after a tool that expects no response', async () => {
    const call = withTool({ expectsResponse: false })
    await call.begin()
    call.send({ type: 'user_message', text: 'go' })
    await call.clock.advanceAsync(500)
    expect(said(call)).toEqual(['Found: '])
    const tool_call_id = call.of('client_tool_call')[0]?.['client_tool_call'].tool_call_id as string
    call.send({ type: 'client_tool_result', tool_call_id, result: 'harmless', is_error: false })
    expect(call.violations).toEqual([])
  })

  test('a tool that the agent is not set to send is never seen, and times out', async () => {
    const call = connect({
      clientEvents: ['audio', 'interruption', 'agent_response', 'ping'],
      script: () => [
        { callTool: { name: 'find', timeoutMs: 500 }, onResult: ({ hasTimedOut }) => `Timed out: ${hasTimedOut}` },
      ],
    })
    await call.begin()
    call.send({ type: 'user_message', text: 'go' })
    await call.clock.advanceAsync(1500)
    expect(call.of('client_tool_call')).toEqual([])
    expect(said(call)).toEqual(['Timed out: true'])
  })

  test('end_call: the goodbye, the response of the tool, then close 1000', async () => {
    const call = connect({ script: () => [speech.goodbye, { endCall: { reason: 'Call ended by agent' } }] })
    await call.begin()
    call.send({ type: 'user_message', text: 'bye' })
    await call.silence(4000)
    expect(audioOf(call.frames).length).toBe(speech.goodbye.audio.length)
    const end = call.of('agent_tool_response')[0]
    expect(end?.['agent_tool_response']).toMatchObject({ tool_name: 'end_call', tool_type: 'system', is_called: true })
    expect(call.types().lastIndexOf('audio')).toBeLessThan(call.types().indexOf('agent_tool_response'))
    expect(call.closed()).toEqual({ code: 1000, reason: 'Call ended by agent' })
    await expect(call.conversation.ended).resolves.toEqual({ code: 1000, reason: 'Call ended by agent', by: 'agent' })
  })

  test('end_call may also come before its goodbye, and may wait for it to be heard', async () => {
    const call = connect({ script: () => ({ endCall: { message: speech.goodbye, waitsForPlayback: true } }) })
    await call.begin()
    call.send({ type: 'user_message', text: 'bye' })
    await call.silence(4000)
    expect(call.types().indexOf('agent_tool_response')).toBeLessThan(call.types().indexOf('audio'))
    expect(call.closed()).toBeUndefined()
    await call.silence(2500)
    expect(call.closed()?.code).toBe(1000)
  })
})

describe('text', () => {
  test('a text-only conversation streams its words and sends no audio', async () => {
    const call = connect({ textOnly: true, firstMessage: 'Hello you there.' })
    await call.begin()
    await call.clock.advanceAsync(500)
    const parts = call
      .of('agent_chat_response_part')
      .map((frame) => frame['text_response_part'] as Record<string, unknown>)
    expect(parts.map((part) => [part['type'], part['text']])).toEqual([
      ['start', ''],
      ['delta', 'Hello '],
      ['delta', 'you '],
      ['delta', 'there.'],
      ['stop', ''],
    ])
    expect(call.of('agent_response')).toHaveLength(1)
    expect(call.of('audio')).toEqual([])
  })

  test('audio into it is a violation that costs nothing', async () => {
    const call = connect({ textOnly: true })
    await call.begin()
    await call.silence(100)
    expect(call.violations[0]?.kind).toBe('audio_in_text_only')
    expect(call.closed()).toBeUndefined()
  })

  test('contextual updates reach the script, the last one of each context id', async () => {
    const seen: string[] = []
    const call = connect({
      script: (_, { contextualUpdates }) => {
        seen.push(...contextualUpdates.map(({ text }) => text))
        return undefined
      },
    })
    await call.begin()
    call.send({ type: 'contextual_update', text: 'The caller pressed 1.', context_id: 'dtmf' })
    call.send({ type: 'contextual_update', text: 'Raining.' })
    call.send({ type: 'contextual_update', text: 'Still raining.' })
    call.send({ type: 'contextual_update', text: 'The caller pressed 12.', context_id: 'dtmf' })
    expect(call.conversation.heard).toEqual([])
    call.send({ type: 'user_message', text: 'go' })
    await call.clock.advanceAsync(500)
    expect(seen).toEqual(['Raining.', 'Still raining.', 'The caller pressed 12.'])
  })
})

describe('time limits', () => {
  test('no input for a minute closes 1002, and silence is input', async () => {
    const call = connect()
    await call.begin()
    await call.clock.advanceAsync(50_000, 100)
    await call.silence(20)
    await call.clock.advanceAsync(59_000, 100)
    expect(call.closed()).toBeUndefined()
    await call.clock.advanceAsync(2000, 100)
    expect(call.closed()?.code).toBe(1002)
    expect(call.of('error')[0]?.['error_event']).toMatchObject({ code: 1002, error_type: 'transport_receive_timeout' })
  })

  test('the maximum duration closes 1000', async () => {
    const call = connect({ maxDurationMs: 5000 })
    await call.begin()
    await call.silence(5100)
    expect(call.closed()?.code).toBe(1000)
  })

  test('nothing is left running when a conversation is over, whoever ended it', async () => {
    for (const end of ['client', 'agent', 'hang'] as const) {
      const call = connect({ firstMessage: speech.greeting, script: () => ({ callTool: { name: 'slow' } }) })
      await call.begin()
      call.send({ type: 'user_message', text: 'go' })
      await call.silence(1000)
      if (end === 'client') call.socket.close(1000)
      else await call.conversation.perform(end === 'agent' ? { close: { code: 1011 } } : { hang: true })
      expect(call.clock.pendingTimers).toBe(0)
      const count = call.frames.length
      call.clock.advance(100_000)
      expect(call.frames.length).toBe(count)
    }
  })
})
