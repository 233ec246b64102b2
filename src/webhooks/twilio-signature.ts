/**
 * Proves that a request or a socket comes from Twilio (`X-Twilio-Signature`).
 *
 * @see https://www.twilio.com/docs/usage/webhooks/webhooks-security (read 2026-11-21)
 * @module
 */
import { hash } from 'node:crypto'
import { bodyText, checkBody, readJson, TWILIO_MAX_BODY_BYTES, type RawBody } from './body.js'
import { readForm, readParams, MAX_FORM_PAIRS, type ParsedParams, type SignedForm, type TwilioParams } from './form.js'
import { hmacSha1 } from './hmac-sha1.js'
import { describeUrl, signedSpellings, splitUrl, type SplitUrl } from './public-url.js'
import { equalAscii, oneHeader, secretsOf, type HeaderValue, type Secrets } from './secrets.js'
import { refuse, type WebhookRefusal } from './verdict.js'

/** The header that carries the signature, spelled as Node spells it. */
export const TWILIO_SIGNATURE_HEADER = 'x-twilio-signature'

export interface VerifyTwilioUpgradeOptions {
  /**
   * The primary auth token of the account, or of the subaccount that the traffic belongs to. Several while one replaces
   * another. API key secrets sign nothing.
   */
  readonly authToken: Secrets
  /** The header `X-Twilio-Signature` as the host hands it over. */
  readonly signature: HeaderValue
  /** The public address, as `publicUrlOf` makes it: what stands in the TwiML or in the number's settings. */
  readonly url: string
}

export interface VerifyTwilioRequestOptions extends VerifyTwilioUpgradeOptions {
  /** The method of the request. Default `'POST'`. */
  readonly method?: string | undefined
  /** The header `Content-Type`. Decides which rule applies; without it, a body that is not empty is refused. */
  readonly contentType?: string | null | undefined
  /** The raw body, from before any parser. Default: none. */
  readonly body?: RawBody | undefined
  /**
   * Form parameters instead of `body`, where a host gives nothing else. They must be parsed flat: a parser that gives
   * `A[b]` a meaning has changed what was signed.
   */
  readonly params?: ParsedParams | undefined
  /** Default 1 MiB. A larger body is refused before anything is computed over it. */
  readonly maxBodyBytes?: number
}

interface ProvenByTwilio {
  readonly ok: true
  /** The spelling of the address that was signed. */
  readonly matchedUrl: string
  /** Which of the auth tokens signed. When the old one no longer does, it can be dropped. */
  readonly tokenIndex: number
}

/** A request that Twilio signed, with the payload that the signature covers. */
export type ProvenTwilioRequest = ProvenByTwilio &
  (
    | { readonly kind: 'form' | 'query'; readonly params: TwilioParams }
    | { readonly kind: 'json'; readonly params: TwilioParams; readonly json: unknown }
    | { readonly kind: 'raw'; readonly params: TwilioParams; readonly body: RawBody }
  )

/** A socket's handshake that Twilio signed. */
export type ProvenTwilioUpgrade = ProvenByTwilio & { readonly kind: 'upgrade' }

const NO_PARAMS: TwilioParams = Object.freeze({})
const UNSIGNED_FORM: SignedForm = { text: '', params: NO_PARAMS, count: 0 }

/**
 * Checks `X-Twilio-Signature` on a webhook.
 *
 * The content type decides what must be covered: form parameters are part of the signed text; any other body must be named by
 * its hash in the address (`bodySHA256`), and a body that is covered by neither is refused. An address that names a hash is held
 * to it, whatever the method or content type. Each spelling of the address is compared with every token, in constant time, and no
 * token is left out after a match. The spellings, which are public, end with the one that matched.
 *
 * The signature has no time in it: a captured request stays valid. Take what a webhook causes once per `CallSid` and
 * `SequenceNumber`, or per `I-Twilio-Idempotency-Token`.
 *
 * @returns the proven payload, or a refusal whose `reason` says what was tried.
 * @throws TypeError when there is no auth token, or when both `body` and `params` are given.
 *
 * @example
 * ```ts
 * const verdict = verifyTwilioRequest({
 *   authToken,
 *   signature: req.headers['x-twilio-signature'],
 *   url: publicUrlOf('https://voice.example.com', req.url),
 *   contentType: req.headers['content-type'],
 *   body: rawBody,
 * })
 * if (!verdict.ok) return res.writeHead(403).end()
 * ```
 */
export function verifyTwilioRequest(options: VerifyTwilioRequestOptions): ProvenTwilioRequest | WebhookRefusal {
  const { method = 'POST', body = '', params, maxBodyBytes = TWILIO_MAX_BODY_BYTES } = options
  if (params !== undefined && options.body !== undefined) throw new TypeError('Give body or params, not both')
  const tooMuch = checkBody(body, maxBodyBytes)
  if (tooMuch) return tooMuch

  const split = splitUrl(options.url)
  const bodyHashes = split ? bodyHashesOf(split.query) : []
  const mediaType = mediaTypeOf(options.contentType)
  const isForm = mediaType === FORM_TYPE
  const isRead = method === 'GET' || method === 'HEAD'
  let form: SignedForm | 'too-many' | 'not-text' = UNSIGNED_FORM
  if (params !== undefined) form = readParams(params)
  else if (isForm) form = readForm(bodyText(body))
  if (form === 'not-text') return refuse('webhook_body_already_parsed', NESTED_PARAMS)
  if (form === 'too-many') return refuse('webhook_body_too_large', `There are more than ${MAX_FORM_PAIRS} parameters.`)

  const hasUncoveredBody = isRead || !isForm ? body.length > 0 || form.count > 0 : false
  if (hasUncoveredBody && (bodyHashes.length === 0 || params !== undefined)) {
    return refuse('webhook_body_unsigned', uncovered(isRead ? method : mediaType))
  }
  if (params !== undefined && bodyHashes.length > 0) {
    return refuse(
      'webhook_body_already_parsed',
      'The address names the hash of the raw body, and only parsed parameters are here.',
    )
  }

  const match = findMatch(options, split, form)
  if (!match.ok) return match
  if (bodyHashes.length > 0) {
    const actual = hash('sha256', body, 'hex')
    if (!bodyHashes.every((named) => equalAscii(named, actual))) {
      return refuse('webhook_body_hash_mismatch', HASH_MISMATCH, [describeUrl(match.matchedUrl)])
    }
  }
  if (isRead) {
    const query = readForm(split?.query.slice(1) ?? '')
    if (typeof query === 'string')
      return refuse('webhook_body_too_large', `There are more than ${MAX_FORM_PAIRS} parameters.`)
    return { ...match, kind: 'query', params: query.params }
  }
  const { matchedUrl, tokenIndex } = match
  if (isForm || body.length === 0) return { ok: true, matchedUrl, tokenIndex, kind: 'form', params: form.params }
  if (!JSON_TYPE.test(mediaType)) return { ...match, kind: 'raw', params: NO_PARAMS, body }
  const parsed = readJson(body)
  return parsed.ok ? { ...match, kind: 'json', params: NO_PARAMS, json: parsed.json } : parsed
}

/**
 * Checks `X-Twilio-Signature` on the handshake of a WebSocket: media streams and conversation relay alike.
 *
 * Twilio signs the `wss` address as it stands in the TwiML, without parameters. An `https` address is taken as `wss` and
 * `http` as `ws`. The path is tried with and without a slash at its end. A valid handshake can be replayed, so ask for a
 * one-time token in `start` as well.
 *
 * @throws TypeError when there is no auth token.
 */
export function verifyTwilioUpgrade(options: VerifyTwilioUpgradeOptions): ProvenTwilioUpgrade | WebhookRefusal {
  const match = findMatch(options, splitUrl(options.url.replace(/^http/i, 'ws')), UNSIGNED_FORM)
  return match.ok ? { ok: true, matchedUrl: match.matchedUrl, tokenIndex: match.tokenIndex, kind: 'upgrade' } : match
}

function findMatch(
  { authToken, signature }: VerifyTwilioUpgradeOptions,
  split: SplitUrl | undefined,
  form: SignedForm,
): ProvenByTwilio | WebhookRefusal {
  const tokens = secretsOf(authToken, 'authToken')
  const given = oneHeader(signature)
  if (given === undefined) return refuse('webhook_signature_missing', 'There is no X-Twilio-Signature header.')
  if (given === null) return refuse('webhook_signature_malformed', 'X-Twilio-Signature came more than once.')
  if (!SIGNATURE_SHAPE.test(given)) {
    return refuse(
      'webhook_signature_malformed',
      `X-Twilio-Signature is not the base64 of 20 bytes (${given.length} characters).`,
    )
  }
  if (!split) return refuse('webhook_signature_mismatch', 'The URL is not an absolute http, https, ws or wss address.')

  const spellings = signedSpellings(split)
  for (const spelling of spellings) {
    const text = spelling + form.text
    let tokenIndex = -1
    for (const [i, token] of tokens.entries()) {
      if (equalAscii(given, hmacSha1(token, text)) && tokenIndex === -1) tokenIndex = i
    }
    if (tokenIndex !== -1) return { ok: true, matchedUrl: spelling, tokenIndex }
  }
  const tried = spellings.map(describeUrl)
  const what = form.count === 0 ? 'no parameters' : `${form.count} form parameters`
  return refuse(
    'webhook_signature_mismatch',
    `X-Twilio-Signature fits none of ${tried.length} spellings of the address, with ${what} and ${tokens.length} auth token(s): ${tried.join(', ')}.`,
    tried,
  )
}

const FORM_TYPE = 'application/x-www-form-urlencoded'
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/
const SIGNATURE_SHAPE = /^[A-Za-z0-9+/]{27}=$/

const NESTED_PARAMS =
  'A parameter is neither text nor a list of texts: a body parser built something else out of the form, such as nested objects.'
const HASH_MISMATCH =
  'The address is signed, but the body is not the one whose SHA-256 it names (bodySHA256). It was altered, parsed and written again, or decoded wrongly.'

function uncovered(what: string): string {
  return `A body of this kind (${what.slice(0, 60) || 'no content type'}) is covered by no signature: the address names no bodySHA256.`
}

function mediaTypeOf(contentType: string | null | undefined): string {
  if (!contentType) return ''
  if (contentType.startsWith(FORM_TYPE) && (contentType[FORM_TYPE.length] ?? ';') === ';') return FORM_TYPE
  const end = contentType.indexOf(';')
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

function bodyHashesOf(query: string): readonly string[] {
  if (!query.includes('bodySHA256')) return []
  return [...query.matchAll(/[?&]bodySHA256=?([^&]*)/g)].map((match) => match[1] ?? '')
}
