import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseClientMessage, parseServerMessage } from '../../../src/elevenlabs/messages.js'
import { readClientMessage } from '../../../src/simulator/elevenlabs/client-messages.js'
import { loadSpeech } from '../../support/speech.js'
import { connect } from './raw-client.js'

const FOLDER = new URL('../../corpus/elevenlabs-agent/client/', import.meta.url)
const corpus = readdirSync(FOLDER).map((name) => {
  return [name, JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Record<string, unknown>] as const
})

const clientAccepts = (json: string): boolean => {
  try {
    parseClientMessage(json)
    return true
  } catch {
    return false
  }
}
const simulatorAccepts = (json: string): boolean => readClientMessage(json).type !== 'malformed'

/** The message with one change at each place: the field gone, a stranger beside it, another value in it. */
function* changesOf(message: object): Generator<string, void, undefined> {
  for (const path of pathsOf(message)) {
    for (const value of ['gone', 'beside', null, true, 1, -1, 1.5, '', 'x', [], {}, '//8=']) {
      const copy = structuredClone(message)
      let parent = copy as Record<string, unknown>
      for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, unknown>
      const last = path.at(-1)!
      if (value === 'gone') Reflect.deleteProperty(parent, last)
      else parent[value === 'beside' ? 'extra' : last] = value
      yield JSON.stringify(copy)
    }
  }
}

function* pathsOf(value: unknown, path: readonly string[] = []): Generator<readonly string[], void, undefined> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const [key, inner] of Object.entries(value)) {
    yield [...path, key]
    yield* pathsOf(inner, [...path, key])
  }
}

describe('the simulator and the client read the protocol alike, each with schemas of its own', () => {
  test.each(corpus)('both accept %s', (_, message) => {
    const json = JSON.stringify(message)
    expect([simulatorAccepts(json), clientAccepts(json)]).toEqual([true, true])
  })

  test.each(corpus)(
    'both refuse or both accept %s with any one field dropped, added or set to something else',
    (_, message) => {
      for (const json of changesOf(message)) expect([json, simulatorAccepts(json)]).toEqual([json, clientAccepts(json)])
    },
  )

  test('the client can read everything that a simulated agent sends', async () => {
    const speech = loadSpeech()
    const call = connect({
      speech: Object.values(speech),
      firstMessage: speech.greeting,
      turnTimeoutMs: 60_000,
      script: [
        { reply: [speech['one-moment'], { callTool: { name: 'find' } }, { useTool: { name: 'look' } }, speech.offer] },
        { reply: [{ endCall: { message: speech.goodbye } }] },
      ],
    })
    await call.begin()
    await call.silence(3000)
    await call.talk(speech['move-request'].audio)
    await call.silence(2500)
    const tool_call_id = call.of('client_tool_call')[0]?.['client_tool_call'].tool_call_id as string
    call.send({ type: 'client_tool_result', tool_call_id, result: 'ok', is_error: false })
    await call.silence(8000)
    await call.talk(speech.accept.audio)
    await call.silence(5000)
    await call.conversation.ended
    const types = call.raw.map((json) => parseServerMessage(json).type)
    expect(types).not.toContain('unknown')
    expect(new Set(call.types())).toEqual(
      new Set([
        'conversation_initiation_metadata',
        'ping',
        'audio',
        'interruption',
        'user_transcript',
        'tentative_user_transcript',
        'agent_response',
        'agent_response_correction',
        'agent_response_complete',
        'client_tool_call',
        'agent_tool_request',
        'agent_tool_response',
      ]),
    )
  })
})
