/**
 * Signs as Twilio does, for the simulator and for tests of what stands behind a signature.
 *
 * @module
 */
import { hash } from 'node:crypto'
import { bodyText, type RawBody } from './body.js'
import { readForm, readParams, type ParsedParams } from './form.js'
import { hmacSha1 } from './hmac-sha1.js'
import { splitUrl } from './public-url.js'

export interface SignTwilioRequestOptions {
  readonly authToken: string
  /** The address as it is configured at Twilio or written in the TwiML. */
  readonly url: string
  /** Form parameters, parsed. Leave out for GET, JSON and sockets. */
  readonly params?: ParsedParams
  /** Form parameters as the raw form body. */
  readonly form?: RawBody
}

/**
 * The value of `X-Twilio-Signature` for a form, a GET or a socket.
 *
 * As Twilio's voice product does, the address is signed without user information and fragment and, over https, without its port.
 *
 * @throws TypeError when the address is not absolute, or a parameter is not text.
 */
export function signTwilioRequest({ authToken, url, params, form }: SignTwilioRequestOptions): string {
  const split = splitUrl(url)
  if (!split) throw new TypeError('url must be an absolute http, https, ws or wss address')
  const port = split.scheme.toLowerCase() === 'https://' ? '' : split.port
  const signed = params ? readParams(params) : readForm(form === undefined ? '' : bodyText(form))
  if (typeof signed === 'string') throw new TypeError('Form parameters must be texts or lists of texts, at most 1000')
  return hmacSha1(authToken, split.scheme + split.host + port + split.path + split.query + signed.text)
}

export interface SignTwilioBodyOptions {
  readonly authToken: string
  /** The address as it is configured, without a hash. */
  readonly url: string
  readonly body: RawBody
}

/**
 * What Twilio requests for a JSON body: the address with the body's hash in it, and the signature over that address.
 *
 * @throws TypeError when the address is not absolute.
 */
export function signTwilioBody(options: SignTwilioBodyOptions): { readonly url: string; readonly signature: string } {
  const [address = ''] = options.url.split('#', 1)
  const url = `${address}${address.includes('?') ? '&' : '?'}bodySHA256=${hash('sha256', options.body, 'hex')}`
  return { url, signature: signTwilioRequest({ authToken: options.authToken, url }) }
}
