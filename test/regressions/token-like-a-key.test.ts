import { expect, test, vi } from 'vitest'
import type * as Crypto from 'node:crypto'
import { createOneTimeTokens } from '../../src/core/one-time-tokens.js'
import { connect, response, stream } from '../../src/twiml/index.js'

// One token of 65 536 began as a vendor's key does; the builder refused it, and the caller's webhook was answered with a 500.
const LIKE_KEYS = ['sk_', 'sk-', 'xi_', 'xi-'].map((head) => Buffer.from(head.padEnd(32, 'A'), 'base64url'))

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof Crypto>()
  return { ...crypto, randomBytes: (size: number) => LIKE_KEYS.shift() ?? crypto.randomBytes(size) }
})

test('a one-time token stands in TwiML, whatever bytes it is made of', async () => {
  const tokens = createOneTimeTokens()
  for (let left = LIKE_KEYS.length; left > 0; left--) {
    const token = await tokens.issue('CA1')
    expect(LIKE_KEYS).toHaveLength(left - 1)
    const document = response(connect({}, stream({ url: 'wss://voice.example.com/stream', parameters: { token } })))
    expect(document.toString()).toContain(token)
  }
})
