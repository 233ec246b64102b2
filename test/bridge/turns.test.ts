import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { heardTextOf, TurnKeeper, type AgentTurn } from '../../src/bridge/turns.js'
import { ManualClock } from '../../src/core/clock.js'

const audio = (ms: number) => Buffer.alloc(ms * 8, 0x7f).toString('base64')

function setup() {
  const clock = new ManualClock()
  const heard = new Map<string, number>()
  const ended: AgentTurn[] = []
  const turns = new TurnKeeper(clock, { heardMs: (turnId) => heard.get(turnId) ?? 0 }, (turn) => ended.push(turn))
  return { clock, heard, ended, turns }
}

describe('TurnKeeper', () => {
  test('text and audio of one turn meet, whichever comes first', () => {
    const { turns, heard, ended } = setup()
    const first = turns.receiveAudio(audio(400))
    turns.receiveText('Good morning.')
    turns.completeAgentTurn()
    turns.receiveText('How can I help?')
    const second = turns.receiveAudio(audio(600))
    turns.completeAgentTurn()
    heard.set(first, 400).set(second, 600)
    turns.closeHeard()
    expect(ended.map(({ text, totalMs, interrupted }) => [text, totalMs, interrupted])).toEqual([
      ['Good morning.', 400, false],
      ['How can I help?', 600, false],
    ])
  })

  test('a second text begins another turn even when nobody said that the first was complete', () => {
    const { turns } = setup()
    turns.receiveText('One moment.')
    const first = turns.receiveAudio(audio(100))
    turns.receiveText('I found it.')
    expect(turns.receiveAudio(audio(100))).not.toBe(first)
  })

  test('a turn ends only when it is complete and heard', () => {
    const { turns, heard, ended } = setup()
    turns.receiveText('Hello.')
    const turnId = turns.receiveAudio(audio(500))
    heard.set(turnId, 500)
    turns.closeHeard()
    expect(ended).toEqual([]) // more audio may follow
    turns.completeAgentTurn()
    expect(ended).toHaveLength(1)
  })

  test('a barge-in ends the turn with the words that were heard, and drops a turn that was not begun', () => {
    const { turns, heard, ended } = setup()
    turns.receiveText('one two three four')
    const turnId = turns.receiveAudio(audio(1000))
    turns.completeAgentTurn()
    turns.receiveText('never begun')
    turns.receiveAudio(audio(500))
    heard.set(turnId, 500)
    expect(turns.interrupt()).toEqual({ turnId, heardMs: 500 })
    expect(ended.map(({ heardText, heardMs, interrupted }) => [heardText, heardMs, interrupted])).toEqual([
      ['one two', 500, true],
      ['', 0, true],
    ])
    expect(turns.heardMs).toBe(500)
    expect(turns.audioMs).toBe(1500)
  })

  test('a turn that was cut before its text came takes the agent\u2019s correction as what was heard', () => {
    const { turns, heard, ended } = setup()
    heard.set(turns.receiveAudio(audio(1000)), 300)
    turns.interrupt()
    expect(ended).toEqual([])
    turns.receiveCorrection('Hello, thank')
    expect(ended[0]).toMatchObject({ heardText: 'Hello, thank', heardMs: 300, interrupted: true })
  })

  test('a text that comes after the cut is cut to what was heard, and not taken for a new turn', () => {
    const { turns, heard, ended } = setup()
    heard.set(turns.receiveAudio(audio(1000)), 500)
    turns.interrupt()
    turns.receiveText('one two three four')
    expect(ended[0]).toMatchObject({ text: 'one two three four', heardText: 'one two' })
    expect(ended).toHaveLength(1)
  })

  test('latency runs from the caller\u2019s last speech to the first audio heard', () => {
    const { turns, clock } = setup()
    clock.advance(5000)
    const spokeMs = clock.monotonicMs()
    clock.advance(700)
    const turnId = turns.receiveAudio(audio(200))
    clock.advance(60)
    expect(turns.started(turnId, clock.monotonicMs() - 60, spokeMs)).toEqual({
      turnId,
      latencyMs: 700,
      at: clock.now() - 60,
    })
  })

  test('latency is not claimed when the caller did not speak since the last turn, or speaks over this one', () => {
    const { turns, clock } = setup()
    const first = turns.receiveAudio(audio(200))
    expect(turns.started(first, clock.monotonicMs(), undefined)?.latencyMs).toBeUndefined()
    const spokeMs = clock.monotonicMs() - 10
    turns.completeAgentTurn()
    const second = turns.receiveAudio(audio(200))
    expect(turns.started(second, clock.monotonicMs(), spokeMs)?.latencyMs).toBeUndefined()
    turns.completeAgentTurn()
    const third = turns.receiveAudio(audio(200))
    clock.advance(10)
    expect(turns.started(third, clock.monotonicMs() - 5, clock.monotonicMs())?.latencyMs).toBeUndefined()
  })

  test('the end of the call ends every open turn as it stands', () => {
    const { turns, heard, ended } = setup()
    turns.receiveText('one two')
    heard.set(turns.receiveAudio(audio(1000)), 600)
    turns.close()
    expect(ended).toMatchObject([{ heardText: 'one', interrupted: true }])
    turns.close()
    expect(ended).toHaveLength(1)
  })

  test('whatever comes in whatever order, no audio is counted twice and every turn ends once', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('audio' as const), ms: fc.integer({ min: 20, max: 900 }) }),
      fc.record({
        do: fc.constantFrom(
          'text' as const,
          'complete' as const,
          'interrupt' as const,
          'correct' as const,
          'heard' as const,
        ),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { turns, heard, ended } = setup()
        let sentMs = 0
        for (const one of steps) {
          if (one.do === 'audio') {
            const turnId = turns.receiveAudio(audio(one.ms))
            sentMs += one.ms
            if (one.ms % 2 === 0) heard.set(turnId, (heard.get(turnId) ?? 0) + one.ms)
          } else if (one.do === 'text') turns.receiveText('some words here')
          else if (one.do === 'complete') turns.completeAgentTurn()
          else if (one.do === 'interrupt') turns.interrupt()
          else if (one.do === 'correct') turns.receiveCorrection('some')
          else turns.closeHeard()
        }
        turns.close()
        const ids = ended.map(({ turnId }) => turnId)
        expect(new Set(ids).size).toBe(ids.length)
        expect(ended.reduce((sum, { totalMs }) => sum + totalMs, 0)).toBe(sentMs)
        for (const turn of ended) expect(turn.heardMs).toBeLessThanOrEqual(turn.totalMs)
      }),
      { numRuns: 500 },
    )
  })
})

describe('heardTextOf', () => {
  const aligned = (text: string, msPerChar: number) => ({
    text,
    spokenChars: [...text],
    spokenAtMs: [...text].map((_, i) => i * msPerChar),
    totalMs: text.length * msPerChar,
  })

  test.each([
    [0, ''],
    [250, ''],
    [550, 'Hello'],
    [700, 'Hello'],
    [1200, 'Hello there'],
    [5000, 'Hello there friend'],
  ])('by character times, %i ms of it are «%s»', (heardMs, expected) => {
    expect(heardTextOf(aligned('Hello there friend', 100), heardMs)).toBe(expected)
  })

  test('without character times the cut is by proportion and never in a word', () => {
    const turn = { text: 'Hello there friend', spokenChars: [], spokenAtMs: [], totalMs: 1800 }
    expect(heardTextOf(turn, 900)).toBe('Hello')
    expect(heardTextOf(turn, 1150)).toBe('Hello there')
  })

  test('what is claimed as heard is always a beginning of what was said', () => {
    fc.assert(
      fc.property(fc.lorem(), fc.integer({ min: 0, max: 20_000 }), fc.boolean(), (text, heardMs, isAligned) => {
        const turn = isAligned
          ? aligned(text, 60)
          : { text, spokenChars: [], spokenAtMs: [], totalMs: text.length * 60 }
        const heard = heardTextOf(turn, heardMs)
        expect(text.startsWith(heard)).toBe(true)
      }),
    )
  })
})
