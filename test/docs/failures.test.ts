import { expect, test } from 'vitest'
import { FAILURES } from '../../src/calls/failures.js'
import { textOf } from './pages.js'

test('the page has every failure of the catalogue, as the catalogue has it, and no other', () => {
  const cells = (line: string) => line.split('|').slice(1, -1).map((cell) => cell.trim()) // prettier-ignore
  const rows = textOf('docs/guides/calls.md')
    .split('\n')
    .filter((line) => /^\| (twilio|elevenlabs|network) /.test(line))
    .map(cells)
  const expected = FAILURES.map(({ vendor, code, meaning, action, maxRetries, hint }) => [
    vendor,
    code,
    meaning,
    maxRetries === undefined ? action : `${action} (${maxRetries})`,
    hint ?? '',
  ])
  expect(rows).toEqual(expected)
})
