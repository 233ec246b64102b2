import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { median, PieceAccount, sumAccounts } from '../../bench/accounting.js'
import { Delays, type DelayCounts } from '../../bench/measurements.js'
import { readStamp, STAMP_CHARS, writeStamp } from '../../bench/stamp.js'

function account(sent: number, received: readonly number[], call = 1) {
  const pieces = new PieceAccount(1)
  for (let i = 0; i < sent; i++) pieces.next()
  for (const piece of received) pieces.receive({ call, piece })
  return pieces.account
}

describe('PieceAccount', () => {
  test('pieces that all came in order leave nothing to complain of', () => {
    expect(account(3, [0, 1, 2])).toEqual({ sent: 3, received: 3, lost: 0, reordered: 0, doubled: 0, strayed: 0 })
  })

  test('a missing piece is lost, wherever it stood', () => {
    expect(account(4, [1, 2, 3]).lost).toBe(1)
    expect(account(4, [0, 2, 3]).lost).toBe(1)
    expect(account(4, [0, 1, 2]).lost).toBe(1)
  })

  test('a piece behind a later one is reordered and not lost', () => {
    expect(account(4, [0, 2, 1, 3])).toMatchObject({ lost: 0, reordered: 1 })
  })

  test('a piece that comes twice is doubled and makes up for no other', () => {
    expect(account(3, [0, 0, 1])).toMatchObject({ received: 2, lost: 1, doubled: 1 })
    expect(account(3, [0, 2, 2])).toMatchObject({ received: 2, lost: 1, doubled: 1 })
  })

  test('a piece of another call, or one that was never sent, has strayed', () => {
    expect(account(2, [0, 1], 2)).toMatchObject({ received: 0, lost: 2, strayed: 2 })
    expect(account(1, [0, 5])).toMatchObject({ received: 1, lost: 0, strayed: 1 })
  })

  test('what an interruption cut is not lost, and what came before and after it still counts', () => {
    const pieces = new PieceAccount(1)
    for (let i = 0; i < 5; i++) pieces.next()
    for (const piece of [0, 2]) pieces.receive({ call: 1, piece })
    pieces.excuseMissing()
    for (let i = 0; i < 3; i++) pieces.next()
    for (const piece of [5, 7]) pieces.receive({ call: 1, piece })
    expect(pieces.account).toMatchObject({ sent: 8, received: 4, lost: 1 })
  })

  test('any loss and any shuffling is counted exactly', () => {
    const arrivals = fc
      .integer({ min: 1, max: 40 })
      .chain((sent) => fc.tuple(fc.constant(sent), fc.shuffledSubarray([...Array(sent).keys()])))
    fc.assert(
      fc.property(arrivals, ([sent, received]) => {
        const { lost, reordered } = account(sent, received)
        const behind = received.filter((piece, i) => received.slice(0, i).some((earlier) => earlier > piece))
        expect({ lost, reordered }).toEqual({ lost: sent - received.length, reordered: behind.length })
      }),
    )
  })
})

test('accounts add up', () => {
  expect(sumAccounts([account(3, [0, 1]), account(2, [1, 0])])).toMatchObject({ sent: 5, lost: 1, reordered: 1 })
})

test('a stamp survives the way there, and speech is not taken for one', () => {
  const stamp = { call: 499, piece: 123_456, sentMs: 1234.5678 }
  const text = writeStamp(stamp)
  expect(text).toHaveLength(STAMP_CHARS)
  expect(readStamp(`xx${text}yy`, 2)).toEqual(stamp)
  expect(readStamp(Buffer.alloc(18, 0x7f).toString('base64'), 0)).toBeUndefined()
})

test('a quantile is the delay that so many stayed within, whichever process counted them', () => {
  const here = new Delays()
  const there = new Delays()
  for (let ms = 1; ms <= 1000; ms++) (ms % 2 === 0 ? here : there).add(ms)
  here.merge(JSON.parse(JSON.stringify(there)) as DelayCounts)
  expect([here.size, here.quantile(0.5), here.quantile(0.99), here.quantile(1)]).toEqual([1000, 500, 990, 1000])
  expect(new Delays().quantile(0.5)).toBeNaN()
})

test('the median is the middle value, or the mean of the two middle ones', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, NaN])
})
