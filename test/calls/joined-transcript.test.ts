import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joinTranscript, postCallTurns, type TranscriptTurn } from '../../src/calls/joined-transcript.js'
import { readElevenLabsWebhook } from '../../src/webhooks/elevenlabs-payloads.js'

const turn = (speaker: string, text: string, atMs: number | null = null): TranscriptTurn => ({ speaker, text, atMs })

describe('the turns of a post-call transcript', () => {
  const of = (transcript: unknown) => {
    const event = readElevenLabsWebhook({ type: 'post_call_transcription', event_timestamp: 1, data: { agent_id: 'a', conversation_id: 'c', transcript } }) // prettier-ignore
    return event.type === 'post_call_transcription' ? postCallTurns(event.data) : []
  }

  test('are those with words, in our names and in milliseconds', () => {
    expect(
      of([
        { role: 'agent', message: 'Hello.', time_in_call_secs: 0 },
        { role: 'user', message: 'Hi.', time_in_call_secs: 3 },
        { role: 'agent', message: null, tool_calls: [] },
        { role: 'agent', message: '' },
        { role: 'agent', message: 'Bye.', time_in_call_secs: null },
      ]),
    ).toEqual([turn('agent', 'Hello.', 0), turn('caller', 'Hi.', 3000), turn('agent', 'Bye.')])
  })

  test('are none where it was left out, and 5000 at most', () => {
    expect(of(undefined)).toEqual([])
    expect(of(Array.from({ length: 6000 }, () => ({ role: 'user', message: 'x' })))).toHaveLength(5000)
  })
})

describe('joined', () => {
  test('what was said stands next to what was heard of it, with the ledger’s time', () => {
    const turns = joinTranscript({
      said: [
        turn('agent', 'Hello! How can I help you today?', 0),
        turn('caller', 'I want to move my appointment.', 2000),
        turn('agent', 'Of course. To which day?', 4000),
        turn('agent', 'Are you still there?', 9000),
      ],
      heard: [
        turn('agent', 'Hello! How can I he', 120),
        turn('caller', 'I want to move my appointment', 2310),
        turn('agent', 'Of course. To which day?', 4260),
      ],
    })
    expect(turns).toEqual([
      { speaker: 'agent', said: 'Hello! How can I help you today?', heard: 'Hello! How can I he', isWhole: false, atMs: 120 }, // prettier-ignore
      { speaker: 'caller', said: 'I want to move my appointment.', heard: 'I want to move my appointment', isWhole: true, atMs: 2310 }, // prettier-ignore
      {
        speaker: 'agent',
        said: 'Of course. To which day?',
        heard: 'Of course. To which day?',
        isWhole: true,
        atMs: 4260,
      },
      { speaker: 'agent', said: 'Are you still there?', heard: undefined, isWhole: false, atMs: 9000 },
    ])
  })

  test('a turn that ElevenLabs cut further than the caller heard is one turn all the same', () => {
    const [only, ...none] = joinTranscript({ said: [turn('agent', 'We have nine...')], heard: [turn('agent', 'We have nine, ten')] }) // prettier-ignore
    expect([only?.isWhole, none]).toEqual([true, []])
  })

  test('a turn that one side lacks shifts nothing behind it', () => {
    const turns = joinTranscript({
      said: [turn('agent', 'One.'), turn('agent', 'Two.'), turn('caller', 'Three.'), turn('agent', 'Four.')],
      heard: [turn('agent', 'One.'), turn('caller', 'Three.'), turn('caller', 'Extra.'), turn('agent', 'Four.')],
    })
    expect(turns.map(({ said, heard }) => [said, heard])).toEqual([
      ['One.', 'One.'],
      ['Two.', undefined],
      ['Three.', 'Three.'],
      [undefined, 'Extra.'],
      ['Four.', 'Four.'],
    ])
  })

  test('the words of one speaker are never the other’s', () => {
    const turns = joinTranscript({ said: [turn('agent', 'Yes.')], heard: [turn('caller', 'Yes.')] })
    expect(turns).toMatchObject([
      { speaker: 'agent', said: 'Yes.', heard: undefined },
      { speaker: 'caller', said: undefined, heard: 'Yes.' },
    ])
  })

  test('one side alone is that side', () => {
    const turns = [turn('agent', 'Hello.', 5)]
    expect(joinTranscript({ said: turns, heard: [] })).toMatchObject([{ said: 'Hello.', heard: undefined, atMs: 5 }])
    expect(joinTranscript({ said: [], heard: turns })).toMatchObject([{ said: undefined, heard: 'Hello.', atMs: 5 }])
    expect(joinTranscript({ said: [], heard: [] })).toEqual([])
  })

  const any = fc.array(fc.record({ speaker: fc.constantFrom('agent', 'caller'), text: fc.oneof(fc.constantFrom('a', 'ab', 'b', '…', ''), fc.string()), atMs: fc.constant(null) })) // prettier-ignore

  test('every turn of both sides is there once, in its order', () => {
    fc.assert(
      fc.property(any, any, (said, heard) => {
        const turns = joinTranscript({ said, heard })
        expect(turns.flatMap((one) => (one.said === undefined ? [] : [one.said]))).toEqual(said.map(({ text }) => text))
        expect(turns.flatMap((one) => (one.heard === undefined ? [] : [one.heard]))).toEqual(heard.map(({ text }) => text)) // prettier-ignore
      }),
    )
  })

  test('what was heard to the end is whole, turn by turn', () => {
    fc.assert(
      fc.property(any, (said) => {
        const turns = joinTranscript({ said, heard: said })
        expect(turns).toHaveLength(said.length)
        expect(turns.every(({ isWhole }) => isWhole)).toBe(true)
      }),
    )
  })
})
