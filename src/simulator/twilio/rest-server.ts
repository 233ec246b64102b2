/**
 * The part of Twilio's REST API that makes, shows, changes and lists calls, over HTTP on this machine.
 *
 * @see https://www.twilio.com/docs/voice/api/call-resource (read 2026-11-21)
 * @module
 */
import { timingSafeEqual, createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { notFound, restError, UNAUTHENTICATED, type RestAnswer } from './rest-answer.js'
import { readCallChange, readNewCall, type NewCall } from './rest-call-parameters.js'
import { callResource } from './rest-call-resource.js'
import type { SimulatedCall } from './simulated-call.js'
import { API_VERSION } from './voice-parameters.js'

/** What the API works on. */
export interface RestServerOptions {
  readonly accountSid: string
  readonly authToken: string
  /** Newest last. */
  readonly calls: () => readonly SimulatedCall[]
  readonly find: (callSid: string) => SimulatedCall | undefined
  readonly create: (call: NewCall) => SimulatedCall
  readonly forget: (callSid: string) => void
  /** An answer that was asked for in place of the real one. */
  readonly nextFault: () => RestAnswer | undefined
}

const MAX_BODY_BYTES = 256 * 1024
const MAX_PAGE_SIZE = 1000

interface Request {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly form: URLSearchParams
}

/** Starts the API on a free port of the loopback address. */
export async function startRestServer(options: RestServerOptions, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, options)
      .catch(() => restError(500, 20500, 'Internal server error'))
      .then((result) => write(response, result))
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

async function answer(request: IncomingMessage, options: RestServerOptions): Promise<RestAnswer> {
  const body = await readBody(request)
  if (body === undefined) return restError(413, 20001, 'The request is too large')
  if (!isAuthentic(request.headers.authorization, options)) return UNAUTHENTICATED
  const fault = options.nextFault()
  if (fault) return fault
  const url = new URL(request.url ?? '/', 'http://localhost')
  return route(
    { method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, form: new URLSearchParams(body) },
    options,
  )
}

function route(request: Request, options: RestServerOptions): RestAnswer {
  const { method, path } = request
  const [, version, accounts, rawAccountSid, rest, ...more] = path.split('/')
  if (version !== API_VERSION || accounts !== 'Accounts' || more.length > 1) return notFound(path)
  const accountSid = rawAccountSid?.replace(/\.json$/, '')
  if (accountSid !== options.accountSid) return notFound(path)
  if (rest === undefined)
    return method === 'GET' ? { status: 200, body: accountResource(accountSid) } : methodNotAllowed()
  if (rest === 'Calls.json' && more.length === 0) {
    if (method === 'POST') return createCall(request.form, options)
    return method === 'GET' ? listCalls(request, options) : methodNotAllowed()
  }
  const sid = rest === 'Calls' ? /^(CA[0-9a-f]{32})\.json$/.exec(more[0] ?? '')?.[1] : undefined
  const call = sid === undefined ? undefined : options.find(sid)
  if (!call) return notFound(path)
  if (method === 'GET') return { status: 200, body: callResource(call) }
  if (method === 'POST') return updateCall(call, request.form)
  if (method !== 'DELETE') return methodNotAllowed()
  if (call.isLive) return restError(409, 20009, 'A call that is not over cannot be deleted')
  options.forget(call.sid)
  return { status: 204, body: undefined }
}

function createCall(form: URLSearchParams, options: RestServerOptions): RestAnswer {
  const checked = readNewCall(form)
  if (!checked.ok) return checked.answer
  return { status: 201, body: callResource(options.create(checked.value)) }
}

function updateCall(call: SimulatedCall, form: URLSearchParams): RestAnswer {
  const checked = readCallChange(form)
  if (!checked.ok) return checked.answer
  const { status, source } = checked.value
  const isWaiting = call.status === 'queued' || call.status === 'ringing'
  if (!call.isLive || (status === 'canceled' && !isWaiting)) {
    return restError(400, 21220, 'Call is not in-progress. Cannot redirect.')
  }
  if (status !== undefined) call.complete(status === 'completed' && isWaiting ? 'canceled' : status)
  else if (source) call.redirect(source)
  return { status: 200, body: callResource(call) }
}

function listCalls({ path, query }: Request, options: RestServerOptions): RestAnswer {
  const filters: [string, (call: SimulatedCall) => string][] = [
    ['To', (call) => call.to],
    ['From', (call) => call.from],
    ['Status', (call) => call.status],
  ]
  const matching = options
    .calls()
    .filter((call) => filters.every(([name, valueOf]) => !query.has(name) || query.get(name) === valueOf(call)))
    .reverse()
  const size = Math.min(positive(query.get('PageSize'), 50), MAX_PAGE_SIZE)
  const page = query.has('Page') ? Math.max(0, Number(query.get('Page')) || 0) : 0
  const start = page * size
  const shown = matching.slice(start, start + size)
  const pageUri = (number: number): string => {
    const params = new URLSearchParams(query)
    params.set('PageSize', String(size))
    params.set('Page', String(number))
    return `${path}?${params.toString()}`
  }
  return {
    status: 200,
    body: {
      calls: shown.map(callResource),
      page,
      page_size: size,
      start,
      end: Math.max(start, start + shown.length - 1),
      uri: pageUri(page),
      first_page_uri: pageUri(0),
      next_page_uri: start + size < matching.length ? pageUri(page + 1) : null,
      previous_page_uri: page > 0 ? pageUri(page - 1) : null,
    },
  }
}

function positive(text: string | null, fallback: number): number {
  const value = Number(text)
  return text !== null && Number.isInteger(value) && value > 0 ? value : fallback
}

function accountResource(sid: string): Record<string, unknown> {
  return {
    sid,
    friendly_name: 'Simulated account',
    status: 'active',
    type: 'Full',
    auth_token: null,
    owner_account_sid: sid,
    uri: `/${API_VERSION}/Accounts/${sid}.json`,
  }
}

const methodNotAllowed = (): RestAnswer => restError(405, 20004, 'Method not allowed')

function isAuthentic(header: string | undefined, { accountSid, authToken }: RestServerOptions): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`
  return header !== undefined && timingSafeEqual(digest(header), digest(expected))
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength
    if (bytes <= MAX_BODY_BYTES) parts.push(part) // the rest is read and let go, so that the answer arrives
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(parts).toString('utf8')
}

function write(response: ServerResponse, { status, body }: RestAnswer): void {
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json;charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'twilio-request-id': `RQ${createHash('md5').update(`${performance.now()}`).digest('hex')}`,
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="Twilio API"' } : {}),
  })
  response.end(text)
}
