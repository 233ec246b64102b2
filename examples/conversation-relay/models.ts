/**
 * A language model as what a phone line needs of it, for two SDKs. Only the few members that are used are asked for, so the client
 * that you have fits, and none is a dependency.
 *
 * @module
 */
import type { RelayTurn } from 'callweave/conversation-relay'

/** Streams an answer to a turn; stops when the signal aborts. */
export type Model = (turn: RelayTurn, signal: AbortSignal) => AsyncIterable<string>

interface ChatMessage {
  role: 'user' | 'assistant'
  content: string
}

/** The call as a chat: what was heard, not what was written. Roles take turns, and the caller has the first word. */
export function chatOf(turn: RelayTurn): ChatMessage[] {
  const chat: ChatMessage[] = []
  const add = (role: ChatMessage['role'], content: string): void => {
    const last = chat.at(-1)
    if (content.trim() === '') return
    if (last?.role === role) last.content += ` ${content}`
    else chat.push({ role, content })
  }
  for (const said of turn.history) {
    if (said.speaker === 'caller') add('user', said.text || `(keys: ${said.digits})`)
    else add('assistant', said.interrupted ? `${said.heardText} — (interrupted)` : said.heardText)
  }
  add('user', turn.text || (turn.digits === '' ? '(silence)' : `(keys: ${turn.digits})`))
  return chat[0]?.role === 'assistant' ? [{ role: 'user', content: '(the call begins)' }, ...chat] : chat
}

/** What is used of `new Anthropic()` of `@anthropic-ai/sdk`. */
export interface AnthropicLike {
  readonly messages: {
    stream(
      body: { model: string; max_tokens: number; system: string; messages: ChatMessage[] },
      options: { signal: AbortSignal },
    ): AsyncIterable<{ readonly type: string; readonly delta?: unknown }>
  }
}

/** @param system - Who it is and how it talks. Tell it to be brief: it is heard, not read. */
export function anthropicModel(client: AnthropicLike, { model, system }: { model: string; system: string }): Model {
  return async function* (turn, signal) {
    const stream = client.messages.stream({ model, max_tokens: 500, system, messages: chatOf(turn) }, { signal })
    for await (const event of stream) {
      const delta = event.delta as { type?: unknown; text?: unknown } | undefined
      if (event.type === 'content_block_delta' && delta?.type === 'text_delta' && typeof delta.text === 'string')
        yield delta.text
    }
  }
}

/** What is used of `new OpenAI()` of `openai`. */
export interface OpenAiLike {
  readonly chat: {
    readonly completions: {
      create(
        body: { model: string; stream: true; messages: (ChatMessage | { role: 'system'; content: string })[] },
        options: { signal: AbortSignal },
      ): PromiseLike<
        AsyncIterable<{ readonly choices: readonly { readonly delta: { readonly content?: string | null } }[] }>
      >
    }
  }
}

/** As {@link anthropicModel}. */
export function openAiModel(client: OpenAiLike, { model, system }: { model: string; system: string }): Model {
  return async function* (turn, signal) {
    const messages = [{ role: 'system' as const, content: system }, ...chatOf(turn)]
    const stream = await client.chat.completions.create({ model, stream: true, messages }, { signal })
    for await (const { choices } of stream) if (choices[0]?.delta.content) yield choices[0].delta.content
  }
}
