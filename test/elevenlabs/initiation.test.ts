import { describe, expect, test } from 'vitest'
import type { ConversationInitiation } from '../../src/elevenlabs/initiation.js'
import { overridePathsOf } from '../../src/elevenlabs/initiation.js'
import { encodeInitiation } from '../../src/elevenlabs/messages.js'

const wire = (initiation: ConversationInitiation): unknown => JSON.parse(encodeInitiation(initiation))
const type = 'conversation_initiation_client_data'

describe('an initiation', () => {
  test('says nothing but its type when nothing is to be said', () => {
    expect(encodeInitiation()).toBe(`{"type":"${type}"}`)
    expect(encodeInitiation({})).toBe(`{"type":"${type}"}`)
  })

  test('leaves out whatever is undefined, and keeps what is empty or null on purpose', () => {
    const initiation = {
      overrides: { agent: { firstMessage: '', language: undefined }, tts: undefined },
      dynamicVariables: { name: 'Ada', missing: undefined, last: null },
      userId: undefined,
    } as unknown as ConversationInitiation
    expect(wire(initiation)).toEqual({
      type,
      conversation_config_override: { agent: { first_message: '' } },
      dynamic_variables: { name: 'Ada', last: null },
    })
  })

  test('a variable that belongs to ElevenLabs is refused, with the reason', () => {
    expect(() => encodeInitiation({ dynamicVariables: { system__caller_id: '+15550100' } })).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^dynamicVariables\.system__caller_id: .*set by ElevenLabs/) as string,
      }),
    )
    expect(() => encodeInitiation({ dynamicVariables: { system__caller_id: '+15550100' } })).not.toThrow('0100')
  })

  test.each([
    { agent: { agentOutputAudioFormat: 'ulaw_8000' } },
    { agent: { user_input_audio_format: 'ulaw_8000' } },
    { tts: { outputFormat: 'ulaw_8000' } },
    { tts: { output_format: 'ulaw_8000' } },
    { asr: { userInputAudioFormat: 'ulaw_8000' } },
  ])('an override of the audio format is refused and says where to set it: %j', (overrides) => {
    const run = (): string => encodeInitiation({ overrides } as unknown as ConversationInitiation)
    expect(run).toThrow(TypeError)
    expect(run).toThrow(/audio format is a setting of the agent.*dashboard/)
  })

  test.each([
    [
      { overrides: { agent: { first_message: 'Hi' } } },
      /overrides\.agent has no field first_message|agent has no field/,
    ],
    [{ overrides: { agents: {} } }, /has no field agents/],
    [{ sourceInfo: {} }, /has no field sourceInfo/],
    [{ overrides: { tts: { speed: 3 } } }, /speed/],
    [{ overrides: { asr: { keywords: Array.from({ length: 51 }, () => 'x') } } }, /keywords/],
    [{ dynamicVariables: { list: ['a'] } }, /dynamic_variables\.list/],
    [{ dynamicVariables: { n: Number.NaN } }, /dynamic_variables\.n/],
    [{ userId: 7 }, /user_id/],
  ])('%j is a mistake that is told at once', (initiation, message) => {
    const run = (): string => encodeInitiation(initiation as unknown as ConversationInitiation)
    expect(run).toThrow(TypeError)
    expect(run).toThrow(message)
  })

  test('tells which permissions its overrides need', () => {
    expect(overridePathsOf({})).toEqual([])
    expect(
      overridePathsOf({
        overrides: { agent: { firstMessage: '', prompt: { llm: 'x' } }, turn: { softTimeout: { message: 'm' } } },
      }),
    ).toEqual(['agent.first_message', 'agent.prompt.llm', 'turn.soft_timeout_config.message'])
  })
})
