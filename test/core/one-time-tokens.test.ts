import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { createOneTimeTokens } from '../../src/core/one-time-tokens.js'

const setup = (options = {}) => {
  const clock = new ManualClock()
  return { clock, tokens: createOneTimeTokens({ clock, ...options }) }
}

describe('createOneTimeTokens', () => {
  test('a token serves its call once', async () => {
    const { tokens } = setup()
    const token = await tokens.issue('CA1')
    expect(await tokens.redeem(token, 'CA1')).toBe(true)
    expect(await tokens.redeem(token, 'CA1')).toBe(false)
  })

  test('shown for another call it is refused, and spent', async () => {
    const { tokens } = setup()
    const token = await tokens.issue('CA1')
    expect(await tokens.redeem(token, 'CA2')).toBe(false)
    expect(await tokens.redeem(token, 'CA1')).toBe(false)
  })

  test('it expires at the end of its lifetime', async () => {
    const { clock, tokens } = setup({ lifetimeMs: 1000 })
    const early = await tokens.issue('CA1')
    const late = await tokens.issue('CA1')
    clock.advance(999)
    expect(await tokens.redeem(early, 'CA1')).toBe(true)
    clock.advance(1)
    expect(await tokens.redeem(late, 'CA1')).toBe(false)
  })

  test('the oldest is forgotten when too many wait', async () => {
    const { tokens } = setup({ maxTokens: 2 })
    const [a, b, c] = [await tokens.issue('CA1'), await tokens.issue('CA2'), await tokens.issue('CA3')]
    expect(await tokens.redeem(a, 'CA1')).toBe(false)
    expect(await tokens.redeem(b, 'CA2')).toBe(true)
    expect(await tokens.redeem(c, 'CA3')).toBe(true)
  })

  test('nothing that was not issued is redeemed', async () => {
    const { tokens } = setup()
    await tokens.issue('CA1')
    fc.assert(fc.property(fc.string(), (guess) => tokens.redeem(guess, 'CA1') === false))
  })

  test('no token fits into what may be logged of another: 32 characters of base64url, never repeated', async () => {
    const { tokens } = setup()
    const all = await Promise.all(Array.from({ length: 1000 }, async () => tokens.issue('CA1')))
    expect(new Set(all).size).toBe(1000)
    for (const token of all) expect(token).toMatch(/^[0-9a-f]{48}$/)
  })
})
