import { expect, test } from 'vitest'
import { cleanVendorText } from '../../src/elevenlabs/vendor-text.js'

test.each([
  ['call +1 (555) 010-4477 now', 'call [number] now'],
  ['5550104477', '[number]'],
  ['555-010-4477.', '[number].'],
  ['see https://x.example/a?b=c for more', 'see [url] for more'],
  ['key sk_live0123456789 is bad', 'key [secret] is bad'],
  ['conversation_signature=abc&x', 'conversation_[secret]&x'],
  ['one\r\ntwo\u0000three\u2028four', 'one two three four'],
])('%j becomes %j', (text, clean) => {
  expect(cleanVendorText(text)).toBe(clean)
})

test.each([
  'Agent agent_01k5550104477 not found',
  'limit of 100',
  'took 20.5 s',
  'conv-5550104477',
  "{'name', 'order_id'}",
])('%j is left as it is: ids and small numbers help', (text) => {
  expect(cleanVendorText(text)).toBe(text)
})

test('nothing is nothing, and much is cut', () => {
  expect(cleanVendorText(undefined)).toBe('')
  expect(cleanVendorText('x'.repeat(5_000_000))).toHaveLength(201)
})
