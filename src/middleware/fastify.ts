/**
 * Mounts the webhooks in Fastify 5: conversion there and back, and nothing more.
 *
 * @module
 */
import { headersOf, type HostHandler } from './host-request.js'
import { nodeHeader, readNodeBody, type NodeRequestLike } from './node-body.js'

/** The few members that we need of a Fastify request (https://fastify.dev/docs/latest/Reference/Request/, read 2026-11-27). */
export interface FastifyRequestLike {
  readonly method: string
  /** Path and query as received, the prefix included. */
  readonly url: string
  readonly raw: NodeRequestLike & { readonly socket?: { readonly remoteAddress?: string | undefined } }
}

/** The few members that we need of a Fastify reply. */
export interface FastifyReplyLike {
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(body: string): unknown
  callNotFound(): unknown
}

/** The few members that we need of a Fastify instance. */
export interface FastifyScopeLike {
  readonly prefix: string
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null, body?: undefined) => void) => void,
  ): unknown
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>): unknown
  addHook(name: 'onClose', hook: () => Promise<void>): unknown
}

/**
 * The webhooks as a Fastify plugin. Content types are left unparsed within the plugin and nowhere else: signatures are over bytes.
 *
 * @param voice - What `createVoice` returned, or anything with its `handle`. With a `close`, that is called when the server closes.
 *
 * @example
 * ```ts
 * await app.register(voicePlugin(voice), { prefix: '/voice' })
 * ```
 */
export function voicePlugin(voice: {
  readonly handle: HostHandler
  readonly close?: () => Promise<void>
}): (scope: FastifyScopeLike) => Promise<void> {
  return async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.all('/*', async (request, reply) => {
      const below = request.url.slice(scope.prefix.length)
      const answer = await voice.handle({
        method: request.method,
        target: below.startsWith('/') ? below : `/${below}`,
        header: nodeHeader(request.raw.headers),
        readBody: (maxBytes) => readNodeBody(request.raw, maxBytes),
        remoteAddress: request.raw.socket?.remoteAddress,
      })
      if (!answer) return reply.callNotFound()
      reply.code(answer.status)
      reply.headers(headersOf(answer))
      return reply.send(answer.body)
    })
    if (voice.close) scope.addHook('onClose', () => voice.close?.() ?? Promise.resolve())
  }
}
