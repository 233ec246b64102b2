import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readBody } from '../../src/webhooks/index.js'

const limit = { maxBodyBytes: 10 }

test('a body is read whole, in whatever pieces it comes', async () => {
  for (const pieces of [[], ['0123456789'], ['01', '2345', '6789']]) {
    const read = await readBody(Readable.from(pieces.map((piece) => Buffer.from(piece))), limit)
    expect(Buffer.from(read).toString()).toBe(pieces.join(''))
  }
  expect(await readBody(new Response('0123').body!, limit)).toHaveLength(4)
})

test('reading stops at the limit, and the source is let go', async () => {
  let given = 0
  const source = Readable.from(
    (function* () {
      for (;;) {
        given += 1
        yield Buffer.alloc(4)
      }
    })(),
    { highWaterMark: 1 },
  )
  await expect(readBody(source, limit)).rejects.toMatchObject({ code: 'webhook_body_too_large' })
  expect(source.destroyed).toBe(true)
  expect(given).toBeLessThan(20)
})

test('a limit that is no limit is a mistake', async () => {
  await expect(readBody(Readable.from([]), { maxBodyBytes: NaN })).rejects.toThrow(RangeError)
})
