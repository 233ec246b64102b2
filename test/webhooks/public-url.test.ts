import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeUrl, splitUrl } from '../../src/webhooks/public-url.js'
import { publicUrlOf } from '../../src/webhooks/index.js'

describe('publicUrlOf', () => {
  test.each([
    ['https://h.example', '/voice?a=1', 'https://h.example/voice?a=1'],
    ['https://h.example/', '/voice', 'https://h.example/voice'],
    ['https://h.example:8443/prefix/', '/voice', 'https://h.example:8443/prefix/voice'],
    ['https://user:pass@h.example', '/voice', 'https://h.example/voice'],
    ['wss://h.example', '/media/', 'wss://h.example/media/'],
    ['https://h.example', '', 'https://h.example/'],
    ['https://h.example', '/a%2Fb/%c3%a9?q=a+b%27', 'https://h.example/a%2Fb/%c3%a9?q=a+b%27'],
  ])('%s and %s make %s', (base, target, url) => {
    expect(publicUrlOf(base, target)).toBe(url)
  })

  test.each([
    ['the absolute form of a request', 'http://inner.local:8080/voice?a=1', 'https://h.example/voice?a=1'],
    ['a host after two slashes', '//evil.example/voice', 'https://h.example//evil.example/voice'],
    ['an at sign', '@evil.example/voice', 'https://h.example/@evil.example/voice'],
    ['a port', ':99/voice', 'https://h.example/:99/voice'],
    ['a fragment', '/voice#/../admin', 'https://h.example/voice'],
    ['only a query', '?a=1', 'https://h.example/?a=1'],
  ])('%s does not reach the host', (_, target, url) => {
    expect(publicUrlOf('https://h.example', target)).toBe(url)
  })

  test('no target changes where the address points', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.webUrl()), (target) => {
        const url = publicUrlOf('https://h.example:8443/p', target)
        expect(splitUrl(url)).toMatchObject({ host: 'h.example', port: ':8443' })
        expect(new URL(url).host).toBe('h.example:8443')
        expect(url.startsWith('https://h.example:8443/p/')).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test.each([
    '',
    'h.example',
    '/voice',
    'ftp://h.example',
    'https://',
    'https://h.example?a=1',
    'https://h.example#a',
    'https://h .example',
  ])('the base %j is a mistake that is told at once', (base) => {
    expect(() => publicUrlOf(base, '/')).toThrow(TypeError)
  })
})

test('an address in a message shows neither query values nor long numbers, and is bounded', () => {
  expect(describeUrl('https://h.example/v?From=%2B15005550001')).toBe('https://h.example/v?… (query of 19 characters)')
  expect(describeUrl('https://h.example/15005550001/v')).toBe('https://h.example/…/v')
  expect(describeUrl(`https://h.example/${'x'.repeat(5000)}`).length).toBeLessThanOrEqual(160)
})
