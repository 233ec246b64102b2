/**
 * The raw body of a request that Node received, within a limit.
 *
 * @module
 */
import type { HostBody } from './host-request.js'

/** The few members that we need of Node's `IncomingMessage`. */
export interface NodeRequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly readableEnded: boolean
  [Symbol.asyncIterator](): AsyncIterator<unknown>
}

/** Reads to the end, and no further than `maxBytes`. A request that was read before has nothing left. */
export async function readNodeBody(request: NodeRequestLike, maxBytes: number): Promise<HostBody> {
  if (request.readableEnded) return { problem: 'already-parsed' }
  // Refused unread where its length is told, so that the answer arrives; a body that turns out too long loses its connection.
  if (Number(request.headers['content-length']) > maxBytes) return { problem: 'too-large' }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.byteLength
    if (bytes > maxBytes) return { problem: 'too-large' }
    chunks.push(chunk)
  }
  return { bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) }
}

/** A header as Node has it. */
export function nodeHeader(
  headers: NodeRequestLike['headers'],
): (name: string) => string | readonly string[] | undefined {
  return (name) => headers[name]
}
