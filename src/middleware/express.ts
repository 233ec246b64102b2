/**
 * Mounts the webhooks in Express, 4 or 5: conversion there and back, and nothing more.
 *
 * @module
 */
import { headersOf, type HostBody, type HostHandler } from './host-request.js'
import { nodeHeader, readNodeBody, type NodeRequestLike } from './node-body.js'

/** The few members that we need of an Express request (https://expressjs.com/en/5x/api.html#req, read 2026-11-24). */
export interface ExpressRequestLike extends NodeRequestLike {
  readonly method: string
  /** Path and query below the mount point. */
  readonly url: string
  /** Set when a body parser ran first. */
  readonly body?: unknown
  /** The bytes that a body parser was told to keep, if it was. */
  readonly rawBody?: unknown
  readonly socket?: { readonly remoteAddress?: string | undefined }
}

/** The few members that we need of an Express response. */
export interface ExpressResponseLike {
  readonly headersSent: boolean
  status(code: number): unknown
  setHeader(name: string, value: string): unknown
  end(body?: string): unknown
}

/** A middleware for `app.use(path, …)`. */
export type ExpressMiddleware = (
  request: ExpressRequestLike,
  response: ExpressResponseLike,
  next: (error?: unknown) => void,
) => void

/**
 * The webhooks as an Express middleware. Mount it before any body parser, or keep `rawBody`; a form that was parsed with
 * `extended: false` is accepted as well.
 *
 * @param voice - What `createVoice` returned, or anything with its `handle`.
 *
 * @example
 * ```ts
 * app.use('/voice', voiceRouter(voice))
 * ```
 */
export function voiceRouter(voice: { readonly handle: HostHandler }): ExpressMiddleware {
  return (request, response, next) => {
    answer(voice.handle, request, response).then((wasOurs) => {
      if (!wasOurs) next()
    }, next)
  }
}

async function answer(handle: HostHandler, req: ExpressRequestLike, res: ExpressResponseLike): Promise<boolean> {
  const result = await handle({
    method: req.method,
    target: req.url.startsWith('/') ? req.url : `/${req.url}`,
    header: nodeHeader(req.headers),
    readBody: (maxBytes) => bodyOf(req, maxBytes),
    remoteAddress: req.socket?.remoteAddress,
  })
  if (!result) return false
  if (res.headersSent) return true
  res.status(result.status)
  for (const [name, value] of Object.entries(headersOf(result))) res.setHeader(name, value)
  res.end(result.body)
  return true
}

async function bodyOf(req: ExpressRequestLike, maxBytes: number): Promise<HostBody> {
  const kept = bytesOf(req.rawBody) ?? (req.readableEnded ? (bytesOf(req.body) ?? formOf(req)) : undefined)
  if (kept === undefined) return readNodeBody(req, maxBytes)
  return Buffer.byteLength(kept) > maxBytes ? { problem: 'too-large' } : { bytes: kept }
}

function bytesOf(body: unknown): string | Uint8Array | undefined {
  return typeof body === 'string' || body instanceof Uint8Array ? body : undefined
}

/** A parsed form written again, for the signature of a form is over its pairs and not its bytes. Nothing else can be. */
function formOf({ headers, body }: ExpressRequestLike): string | undefined {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(String(headers['content-type'] ?? ''))
  if (!isForm || typeof body !== 'object' || body === null) return undefined
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof one !== 'string') return undefined // a nested key was rewritten: the signature could never match
      form.append(name, one)
    }
  }
  return form.toString()
}
