import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { anthropicModel, chatOf, openAiModel } from '../../examples/conversation-relay/models.js'
import type { RelayTurn } from '../../src/conversation-relay/brain.js'

const run = promisify(execFile)

test.each(['conversation-relay', 'conversation-relay-agent'])(
  'the example %s plays its call and says that all is as it should be',
  async (name) => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', `examples/${name}/try.ts`], { timeout: 300_000 })
    expect(stdout).toMatch(/as it should be\n$/)
  },
  300_000,
)

describe('the models of the example', () => {
  const turn = {
    text: 'And on Sunday?',
    digits: '',
    history: [
      { speaker: 'agent', text: 'Hello there', heardText: 'Hello', interrupted: true },
      { speaker: 'caller', text: 'Are you', digits: '' },
      { speaker: 'caller', text: 'open?', digits: '' },
      { speaker: 'agent', text: 'Yes.', heardText: 'Yes.', interrupted: false },
    ],
  } as unknown as RelayTurn
  const chat = [
    { role: 'user', content: '(the call begins)' },
    { role: 'assistant', content: 'Hello — (interrupted)' },
    { role: 'user', content: 'Are you open?' },
    { role: 'assistant', content: 'Yes.' },
    { role: 'user', content: 'And on Sunday?' },
  ]
  const signal = new AbortController().signal

  test('the chat is what was heard, in turns, the caller first', () => {
    expect(chatOf(turn)).toEqual(chat)
  })

  test('an Anthropic client is asked as its SDK wants, and its text deltas are the tokens', async () => {
    const asked: unknown[] = []
    const client = {
      messages: {
        async *stream(...args: unknown[]) {
          asked.push(args)
          yield { type: 'message_start' }
          yield { type: 'content_block_delta', delta: { type: 'text_delta', text: 'We are ' } }
          yield { type: 'content_block_delta', delta: { type: 'input_json_delta', partial_json: '{' } }
          yield { type: 'content_block_delta', delta: { type: 'text_delta', text: 'closed.' } }
        },
      },
    }
    const tokens: string[] = []
    for await (const token of anthropicModel(client, { model: 'm', system: 's' })(turn, signal)) tokens.push(token)
    expect(tokens).toEqual(['We are ', 'closed.'])
    expect(asked).toEqual([[{ model: 'm', max_tokens: 500, system: 's', messages: chat }, { signal }]])
  })

  test('an OpenAI client is asked as its SDK wants, and its content deltas are the tokens', async () => {
    const asked: unknown[] = []
    const client = {
      chat: {
        completions: {
          create: async (...args: unknown[]) => {
            asked.push(args)
            return (async function* () {
              yield { choices: [{ delta: { content: 'We are ' } }] }
              yield { choices: [{ delta: {} }] }
              yield { choices: [] }
              yield { choices: [{ delta: { content: 'closed.' } }] }
            })()
          },
        },
      },
    }
    const tokens: string[] = []
    for await (const token of openAiModel(client, { model: 'm', system: 's' })(turn, signal)) tokens.push(token)
    expect(tokens).toEqual(['We are ', 'closed.'])
    expect(asked).toEqual([
      [{ model: 'm', stream: true, messages: [{ role: 'system', content: 's' }, ...chat] }, { signal }],
    ])
  })
})
