/** What the webhook tests share: the corpus, and the vendor's own package as a second opinion. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

interface Vendor {
  getExpectedTwilioSignature(authToken: string, url: string, params: object): string
  validateRequest(authToken: string, signature: string, url: string, params: object): boolean
  validateRequestWithBody(authToken: string, signature: string, url: string, body: string): boolean
  validateExpressRequest(request: object, authToken: string, options?: object): boolean
}

export const vendor = createRequire(import.meta.url)('twilio/lib/webhooks/webhooks.js') as Vendor

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the test knows what is in its file
export function corpus<T = Record<string, unknown>>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../corpus/webhooks/${name}.json`, import.meta.url), 'utf8')) as T
}

export const FORM = 'application/x-www-form-urlencoded'
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef'
