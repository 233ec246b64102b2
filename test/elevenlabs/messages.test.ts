import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/core/errors.js'
import {
  encodeClientMessage,
  encodeInitiation,
  encodeServerMessage,
  parseClientMessage,
  parseServerMessage,
  scanAudio,
  type ServerMessage,
} from '../../src/elevenlabs/messages.js'
import { encodeUserAudio } from '../../src/elevenlabs/user-audio.js'
import { corpusJson, corpusOf } from './corpus.js'

const server = corpusOf('server')
const client = corpusOf('client')

describe('messages from the server', () => {
  test.each(server)('$name reads as ours and is written back as it came', ({ json, value }) => {
    const message = parseServerMessage(json)
    expect(message.type).not.toBe('unknown')
    expect(JSON.parse(encodeServerMessage(message as ServerMessage))).toEqual(value)
  })

  test('no vendor spelling survives the reading', () => {
    for (const { json } of server) {
      const names = Object.keys(parseServerMessage(json))
      expect(names.filter((name) => name.includes('_'))).toEqual([])
    }
  })

  test('the fields have the names that the events promise', () => {
    expect(parseServerMessage(corpusJson('server', 'metadata'))).toEqual({
      type: 'metadata',
      conversationId: 'conv_0101k5',
      outputFormat: 'ulaw_8000',
      inputFormat: 'ulaw_8000',
    })
    expect(parseServerMessage(corpusJson('server', 'audio-with-alignment'))).toEqual({
      type: 'audio',
      payload: 'f39/f39/f39/',
      eventId: 7,
      alignment: { chars: ['H', 'i'], charStartTimesMs: [0, 120], charDurationsMs: [120, 90] },
      isFinal: false,
    })
    expect(parseServerMessage(corpusJson('server', 'agent-tool-response'))).toEqual({
      type: 'agentToolResponse',
      toolName: 'end_call',
      toolCallId: 'call_b2',
      toolType: 'system',
      isError: false,
      isCalled: true,
      eventId: 14,
    })
  })

  test('fields that the vendor adds are ignored, and null stands for absent', () => {
    const json =
      '{"type":"ping","new":1,"ping_event":{"event_id":0,"ping_ms":null,"later":{"deep":[1]}},"conversation_id":"c"}'
    expect(parseServerMessage(json)).toEqual({ type: 'ping', eventId: 0 })
  })

  test('a type that is not known is told by its name, cut', () => {
    expect(parseServerMessage('{"type":"brand_new","brand_new_event":{}}')).toEqual({
      type: 'unknown',
      name: 'brand_new',
    })
    const long = parseServerMessage(JSON.stringify({ type: 'x'.repeat(5000) }))
    expect(long).toEqual({ type: 'unknown', name: 'x'.repeat(64) })
    for (const name of ['__proto__', 'constructor', 'toString', '']) {
      expect(parseServerMessage(JSON.stringify({ type: name }))).toEqual({ type: 'unknown', name })
    }
  })

  test('a tool call whose parameters are no object can still be answered', () => {
    for (const parameters of ['text', 7, null, [1]]) {
      const json = JSON.stringify({
        type: 'client_tool_call',
        client_tool_call: { tool_name: 't', tool_call_id: 'c', parameters },
      })
      expect(parseServerMessage(json)).toEqual({ type: 'toolCall', toolName: 't', toolCallId: 'c', parameters: {} })
    }
  })

  test.each([
    ['', 'is not JSON'],
    ['nope', 'is not JSON'],
    ['[]', 'not an object with a type'],
    ['null', 'not an object with a type'],
    ['"audio"', 'not an object with a type'],
    ['{"type":7}', 'not an object with a type'],
    ['{"type":"ping"}', 'event_id'],
    ['{"type":"ping","ping_event":[]}', '(root)'],
    ['{"type":"audio","audio_event":{"audio_base_64":"a\\u0000b=","event_id":1}}', 'audio_base_64'],
    ['{"type":"audio","audio_event":{"audio_base_64":"abc","event_id":1}}', 'audio_base_64'],
    ['{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":1.5}}', 'event_id'],
    ['{"type":"audio","audio_event":{"audio_base_64":"AAAA"}}', 'event_id'],
    ['{"type":"interruption","interruption_event":{"event_id":"4"}}', 'event_id'],
  ])('%j is refused with an error that names %j', (json, part) => {
    expect(() => parseServerMessage(json)).toThrow(ProtocolError)
    expect(() => parseServerMessage(json)).toThrow(part)
  })

  test('what people said never stands in an error', () => {
    const json =
      '{"type":"user_transcript","user_transcription_event":{"user_transcript":["my card is 4242"],"event_id":1}}'
    expect(() => parseServerMessage(json)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('4242') }),
    )
  })
})

/** The same JSON, spelled so that only the parser reads it. */
function slowWay(json: string): string {
  const slow = json.replace('"type"', '"\\u0074ype"')
  expect(scanAudio(slow)).toBeUndefined()
  return slow
}

describe('the fast way to an interruption', () => {
  test.each([
    ['{"type":"interruption","interruption_event":{"event_id":0}}', 0],
    [' {\n"type" : "interruption", "interruption_event":\t{ "event_id": 12 } }\r\n', 12],
    ['{"type":"interruption","interruption_event":{"event_id":999999999999999}}', 999999999999999],
    ['{"interruption_event":{"event_id":12},"type":"interruption"}', 12],
    ['{"type":"interruption","interruption_event":{"event_id":12,"reason":"spoke"}}', 12],
    ['{"type":"interruption","interruption_event":{"event_id":1,"event_id":12}}', 12],
    ['{"type":"interruption","interruption_event":{"event_id":1.2e1}}', 12],
  ])('%s is read as what it says', (json, eventId) => {
    expect(parseServerMessage(json)).toEqual({ type: 'interruption', eventId })
  })

  test('says after any change what the parser says of the same message in another order', () => {
    const good = '{"type":"interruption","interruption_event":{"event_id":12}}'
    const read = (json: string): unknown => {
      try {
        return parseServerMessage(json)
      } catch (error) {
        return (error as Error).message.replace(/ \(\d+ characters\)/, '')
      }
    }
    const change = fc.tuple(fc.nat({ max: good.length }), fc.oneof(fc.string({ maxLength: 2 }), fc.constantFrom(...'"{},:0.-e \n\u00a0')), fc.nat({ max: 2 })) // prettier-ignore
    fc.assert(
      fc.property(change, ([at, put, cut]) => {
        const json = good.slice(0, at) + put + good.slice(at + cut)
        // A key in front that means nothing keeps it from the fast way, where there is one key and more to follow.
        if (!/^\s*\{\s*"/.test(json)) return
        expect(read(json)).toEqual(read(json.replace('{', '{"":0,')))
      }),
      { numRuns: 40_000 },
    )
  })
})

describe('the fast way to audio', () => {
  test('takes plain audio however it is spaced', () => {
    expect(scanAudio(corpusJson('server', 'audio'))).toEqual({ type: 'audio', payload: 'f39/f39/f39/', eventId: 7 })
    const spaced = ' {\n "type" : "audio", "audio_event":\t{ "audio_base_64": "f38=", "event_id": 0 } }\r\n'
    expect(scanAudio(spaced)).toEqual({ type: 'audio', payload: 'f38=', eventId: 0 })
  })

  test('takes audio with character times as the parser does', () => {
    const json = corpusJson('server', 'audio-with-alignment')
    expect(scanAudio(json)).toEqual(parseServerMessage(slowWay(json)))
    expect(scanAudio(json)?.alignment?.chars).toEqual(['H', 'i'])
  })

  test.each([
    ['"alignment":{"chars":["a"],"char_start_times_ms":[0]}'],
    ['"alignment":{"chars":[1],"char_start_times_ms":[0],"char_durations_ms":[0]}'],
    ['"alignment":{"chars":["a"],"char_start_times_ms":["0"],"char_durations_ms":[0]}'],
    ['"alignment":{"chars":["a"],"char_start_times_ms":[0],"char_durations_ms":[1e999]}'],
    ['"alignment":[]'],
    ['"alignment":7'],
    ['"is_final":1'],
  ])('leaves %s to the parser, which refuses it', (extra) => {
    const json = `{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":1,${extra}}}`
    expect(scanAudio(json)).toBeUndefined()
    expect(() => parseServerMessage(json)).toThrow(ProtocolError)
  })

  test('a message that says something twice, however spelled, means what JSON says it means', () => {
    for (const rest of [
      '"event_id":1},"audio_event":{"audio_base_64":"BBBB","event_id":2}}',
      '"event_id":1},"\\u0061udio_event":{"audio_base_64":"BBBB","event_id":2}}',
      '"\\u0061udio_base_64":"BBBB","event_id":2}}',
    ]) {
      const json = `{"type":"audio","audio_event":{"audio_base_64":"AAAA",${rest}`
      expect(parseServerMessage(json)).toEqual({ type: 'audio', payload: 'BBBB', eventId: 2 })
    }
    const json =
      '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":1,"x":0},"type":"ping","ping_event":{"event_id":3}}'
    expect(parseServerMessage(json)).toEqual({ type: 'ping', eventId: 3 })
    const gone = '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":1},"\\u0061udio_event":null}'
    expect(() => parseServerMessage(gone)).toThrow(ProtocolError)
  })

  test('leaves everything else to the parser', () => {
    for (const { name, json } of server) if (!name.startsWith('audio')) expect(scanAudio(json)).toBeUndefined()
    expect(scanAudio('{"type":"audio","audio_event":{"audio_base_64":"AA\\u0041A","event_id":1}}')).toBeUndefined()
    expect(scanAudio('{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":01}}')).toBeUndefined()
    expect(scanAudio('{"type":"audio","audio_event":{"audio_base_64":"AAA","event_id":1}}')).toBeUndefined()
  })

  test('agrees with the parser wherever it answers', () => {
    const space = fc.oneof(
      { weight: 60, arbitrary: fc.constantFrom('', ' ', '\n', '\t ') },
      { weight: 1, arbitrary: fc.constant('\u00a0') },
    )
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.string({ maxLength: 12 }),
      fc.constantFrom('AA\\u0041A', 'A"A', '====', 'AA==AA=='),
    )
    const eventId = fc.oneof(
      fc.nat().map(String),
      fc.constantFrom('-1', '01', '1e3', '1.0', '""', '99999999999999999999'),
    )
    const frame = fc
      .tuple(
        fc.array(space, { minLength: 14, maxLength: 14 }),
        payload,
        eventId,
        fc.constantFrom(
          '',
          ',"is_final":true',
          ',"is_final":null',
          ',"alignment":null',
          ',"alignment":{"chars":["H","i"],"char_start_times_ms":[0,120],"char_durations_ms":[120,90]}',
          ',"alignment":{"chars":["H",7],"char_start_times_ms":[],"char_durations_ms":[]}',
        ),
      )
      .map(([s, p, id, extra]) =>
        [
          `${s[0]}{${s[1]}"type"${s[2]}:${s[3]}"audio"${s[4]},${s[5]}"audio_event"${s[6]}:${s[7]}{${s[8]}`,
          `"audio_base_64"${s[9]}:${s[10]}"${p}",${s[11]}"event_id":${s[12]}${id}${extra}}${s[13]}}`,
        ].join(''),
      )
    let answered = 0
    fc.assert(
      fc.property(frame, (json) => {
        const fast = scanAudio(json)
        if (!fast) return
        answered++
        expect(parseServerMessage(slowWay(json))).toEqual(fast)
      }),
      { numRuns: 10_000, seed: 20261121 },
    )
    expect(answered).toBeGreaterThan(200)
  })
})

describe('messages to the server', () => {
  test.each(client)('$name is read strictly and written back as it came', ({ name, json, value }) => {
    const message = parseClientMessage(json)
    const written =
      message.type === 'initiation'
        ? encodeInitiation(message.initiation)
        : message.type === 'userAudio'
          ? encodeUserAudio(message.payload)
          : encodeClientMessage(message)
    expect(JSON.parse(written)).toEqual(value)
    if (name === 'user-audio') expect(written).toBe('{"user_audio_chunk":"f39/f39/f39/"}')
  })

  test.each(client.filter(({ name }) => name !== 'user-audio'))(
    '$name with a field too many is refused',
    ({ value }) => {
      expect(() => parseClientMessage(JSON.stringify({ ...value, surprise: 1 }))).toThrow(ProtocolError)
    },
  )

  test('audio with a type, with company, or not base64 is refused', () => {
    for (const json of [
      '{"type":"user_audio_chunk","user_audio_chunk":"AAAA"}',
      '{"user_audio_chunk":"AAAA","extra":1}',
      '{"user_audio_chunk":"not base64!"}',
      '{"user_audio_chunk":"AAAA","user_audio_chunk":"!"}',
      '{"user_audio_chunk":7}',
    ]) {
      expect(() => parseClientMessage(json), json).toThrow(ProtocolError)
    }
    expect(parseClientMessage('{ "user_audio_chunk": "AAAA" }')).toEqual({ type: 'userAudio', payload: 'AAAA' })
  })

  test('an official client that says who it is can be read', () => {
    const json =
      '{"type":"conversation_initiation_client_data","source_info":{"source":"js_sdk","version":"1"},"user_id":"u"}'
    expect(parseClientMessage(json)).toEqual({ type: 'initiation', initiation: { userId: 'u' }, overridePaths: [] })
  })

  test('the overrides that were made are told in the names of their permissions', () => {
    const message = parseClientMessage(corpusJson('client', 'initiation-full'))
    expect(message.type === 'initiation' && message.overridePaths).toEqual(
      expect.arrayContaining([
        'agent.first_message',
        'agent.prompt.llm',
        'tts.voice_id',
        'turn.soft_timeout_config.message',
      ]),
    )
  })
})

describe('whatever comes', () => {
  const mutated = fc
    .tuple(fc.constantFrom(...server, ...client), fc.nat(), fc.nat({ max: 40 }), fc.string({ maxLength: 6 }))
    .map(([{ json }, at, length, insert]) => {
      const from = at % (json.length + 1)
      return json.slice(0, from) + insert + json.slice(from + length)
    })
  const reshaped = fc.tuple(fc.constantFrom(...server), fc.jsonValue({ maxDepth: 3 })).map(([{ value }, junk]) => {
    const key = Object.keys(value).find((name) => name !== 'type') ?? 'payload'
    return JSON.stringify({ ...value, [key]: junk })
  })
  const anything = fc.oneof(
    { weight: 4, arbitrary: mutated },
    { weight: 3, arbitrary: reshaped },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string() },
  )

  // Plain comparisons and no matchers, which cost more than the parsers do: 51 000 texts, 102 000 readings.
  test('it reads as a message or as a typed error, both ways', () => {
    const read = (parse: typeof parseServerMessage | typeof parseClientMessage, json: string): void => {
      try {
        if (typeof parse(json).type !== 'string') throw new TypeError('a message without a type')
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'elevenlabs_message_invalid') throw error
      }
    }
    fc.assert(
      fc.property(anything, (json) => {
        read(parseServerMessage, json)
        read(parseClientMessage, json)
      }),
      { numRuns: 51_000, seed: 20261121 },
    )
  }, 60_000)

  test('each message of the corpus cut at every place is a typed error', () => {
    for (const { json } of [...server, ...client]) {
      for (let end = 0; end < json.length; end++) {
        const cut = json.slice(0, end)
        expect(() => parseServerMessage(cut)).toThrow(ProtocolError)
        expect(scanAudio(cut)).toBeUndefined()
      }
    }
  })

  test('a message nested without end is no danger', () => {
    const deep = `{"type":"rich_content","rich_content":{"rich_content_id":"a","component":"b","props":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`
    expect(parseServerMessage(deep).type).toBe('richContent')
  })

  test('text of any kind survives the way to the server and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, isError) => {
        const message = { type: 'toolResult', toolCallId: 'c', result: text, isError } as const
        expect(parseClientMessage(encodeClientMessage(message))).toEqual(message)
      }),
    )
  })
})
