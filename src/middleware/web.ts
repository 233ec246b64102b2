/**
 * The webhooks for hosts that speak the Fetch API: Hono, Next's route handlers, Bun, Deno, workers.
 *
 * @module
 */
import { headersOf, type HostBody, type HostHandler } from './host-request.js'

export interface WebHandlerOptions {
  /** Path under which the host mounts it, e.g. `/voice`. Default: none. A request outside it is answered with 404. */
  readonly mountPath?: string
  /** The other end of the connection, where the host knows it. */
  readonly remoteAddress?: (request: Request) => string | undefined
}

/**
 * A function from `Request` to `Response`. Hand the request over before anything reads its body: signatures are over bytes.
 *
 * @param voice - What `createVoice` returned, or anything with its `handle`.
 *
 * @example
 * ```ts
 * const handle = voiceFetch(voice, { mountPath: '/voice' })
 * export const POST = handle // Next: app/voice/[...path]/route.ts
 * app.all('/voice/*', (c) => handle(c.req.raw)) // Hono
 * ```
 */
export function voiceFetch(
  voice: { readonly handle: HostHandler },
  options: WebHandlerOptions = {},
): (request: Request) => Promise<Response> {
  const mountPath = (options.mountPath ?? '').replace(/\/+$/, '')
  return async (request) => {
    // Cut out of the text and not taken from a parsed URL, which spells some characters anew.
    const target = request.url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
    const below = target.slice(mountPath.length)
    const isBelow = target.startsWith(mountPath) && (below === '' || below.startsWith('/') || below.startsWith('?'))
    const answer = isBelow
      ? await voice.handle({
          method: request.method,
          target: below.startsWith('/') ? below : `/${below}`,
          header: (name) => request.headers.get(name) ?? undefined,
          readBody: (maxBytes) => readBody(request, maxBytes),
          remoteAddress: options.remoteAddress?.(request),
        })
      : undefined
    if (!answer) return new Response('Not found', { status: 404 })
    const hasBody = answer.status !== 204 && answer.status !== 304
    return new Response(hasBody ? answer.body : null, { status: answer.status, headers: headersOf(answer) })
  }
}

async function readBody(request: Request, maxBytes: number): Promise<HostBody> {
  if (request.bodyUsed) return { problem: 'already-parsed' }
  if (Number(request.headers.get('content-length')) > maxBytes) return { problem: 'too-large' }
  if (!request.body) return { bytes: '' }
  const reader = (request.body as ReadableStream<Uint8Array>).getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { bytes: Buffer.concat(chunks) }
    bytes += value.byteLength
    if (bytes > maxBytes) {
      void reader.cancel().catch(() => undefined)
      return { problem: 'too-large' }
    }
    chunks.push(value)
  }
}
