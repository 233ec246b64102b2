/**
 * Tools that an agent calls over HTTP: a server tool, whose body is exactly its parameters, and the older `tool_call` event. And what a
 * language model can make of parameters.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { signElevenLabsWebhook } from '../../webhooks/elevenlabs-signature.js'

/** Where an agent's tools are reached over HTTP. */
export interface ToolEndpoint {
  /** For server tools the address below which each has its name; for events the whole address. */
  readonly url: string
  /** Sent with each request, such as the secret of a server tool. */
  readonly headers?: Readonly<Record<string, string>>
  /** Signs each request as a workspace webhook. Default: unsigned, as server tools are. */
  readonly secret?: string
}

/** What becomes of the parameters of a tool call on their way. */
export type ParameterFault = 'text' | 'array' | 'prototype-keys' | 'huge' | 'deep'

/** Parameters as a model that is having a bad day writes them. */
export function garbled(parameters: Readonly<Record<string, unknown>>, fault: ParameterFault | undefined): unknown {
  switch (fault) {
    case undefined:
      return parameters
    case 'text':
      return JSON.stringify(parameters)
    case 'array':
      return Object.entries(parameters).map(([name, value]) => ({ name, value }))
    case 'prototype-keys':
      // Parsed and not written, so that the key is a key.
      return { ...parameters, ...(JSON.parse('{"constructor":{"prototype":{"isAdmin":true}}}') as object), ['__proto__']: { isAdmin: true } } // prettier-ignore
    case 'huge':
      return { ...parameters, notes: 'x'.repeat(10_000_000) }
    case 'deep': {
      let inner: unknown = 'end'
      for (let i = 0; i < 1000; i++) inner = { inner }
      return { ...parameters, inner }
    }
  }
}

/** One call over HTTP. */
export interface HttpToolCall {
  readonly road: 'http' | 'event'
  readonly endpoint: ToolEndpoint
  readonly name: string
  readonly parameters: unknown
  readonly conversationId: string
  readonly agentId: string
  readonly timeoutMs: number
  readonly clock: Clock
}

/** Makes the call. Resolves with what the model would be told; never rejects. */
export async function callOverHttp(
  call: HttpToolCall,
): Promise<{ readonly result: string; readonly isError: boolean; readonly hasTimedOut: boolean }> {
  const { road, endpoint, name, parameters, conversationId, agentId, clock } = call
  const isObject = typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters)
  const body = JSON.stringify(
    road === 'event'
      ? { event: 'tool_call', agentId, sessionId: conversationId, data: { tool_name: name, parameters } }
      : isObject
        ? { ...parameters, conversation_id: conversationId }
        : parameters,
  )
  const url = road === 'event' ? endpoint.url : `${endpoint.url.replace(/\/+$/, '')}/${encodeURIComponent(name)}`
  const signature = endpoint.secret === undefined ? {} : { 'elevenlabs-signature': signElevenLabsWebhook({ secret: endpoint.secret, body, clock }) } // prettier-ignore
  const abort = new AbortController()
  let hasTimedOut = false
  const timer = clock.setTimeout(() => {
    hasTimedOut = true
    abort.abort()
  }, call.timeoutMs)
  try {
    const headers = { ...endpoint.headers, 'content-type': 'application/json', ...signature }
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: abort.signal })
    return { result: await answer.text(), isError: !answer.ok, hasTimedOut: false }
  } catch {
    return { result: '', isError: true, hasTimedOut }
  } finally {
    clock.clear(timer)
  }
}
