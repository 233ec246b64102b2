/** One door to the dial: in the source and in the built package, one place asks the telephone for a call, and one speaks to Twilio about it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPacked, run } from './packed.js'

const SRC = new URL('../../src/', import.meta.url).pathname

function filesBelow(directory: string, ending: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending))
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}

const withText = (files: Record<string, string>, pattern: RegExp): string[] =>
  Object.keys(files).filter((name) => pattern.test(files[name]!))

/** Asks a telephone for a call. */
const ASKS = /\.createCall\(/
/** Twilio's way to make one: over our HTTP, or with the `twilio` package. */
const DIALS = /(['"`])POST\1,\s*(['"`])\/Calls\.json\2|\bcalls\.create\(/

test('in the source', () => {
  const sources = filesBelow(SRC, '.ts')
  expect(withText(sources, ASKS)).toEqual(['calls/place-call.ts'])
  expect(withText(sources, DIALS)).toEqual(['calls/twilio-telephone.ts'])
  expect(withText(sources, /new TwilioTelephone\(/).filter((name) => name.startsWith('calls/'))).toEqual([])
})

describe('in the built package', () => {
  let directory = ''
  let remove = (): void => undefined
  beforeAll(() => {
    ;({ directory, remove } = installPacked())
  }, 600_000)
  afterAll(() => {
    remove()
  })

  test.each(['.js', '.cjs'])('%s: one file asks, one dials', (ending) => {
    const built = filesBelow(join(directory, 'node_modules/callweave/dist'), ending)
    expect(withText(built, ASKS)).toHaveLength(1)
    expect(withText(built, DIALS)).toHaveLength(1)
  })

  test('a call is asked for by the placer alone, after the gate and after its attempt is kept', () => {
    const script = `
      const { CallPlacer } = require('callweave/calls')
      const { createMemoryStore } = require('callweave/storage')
      const steps = []
      const store = createMemoryStore()
      const attempt = { tenantId: 't', attemptId: 'a', phoneNumber: '+12025550101', leadId: 'l', campaignId: null, decisionId: 'd', attemptedAt: Date.now(), state: 'reserved', callSid: null, disposition: null }
      const gate = { admit: async () => { steps.push('decide'); await store.reserveAttempt({ attempt, caps: [] }); return { outcome: 'admitted', decision: {}, decisionId: 'd', attemptId: 'a', phoneNumber: attempt.phoneNumber } } }
      const telephone = { createCall: async ({ to }) => {
        const { state } = await store.findAttempt({ tenantId: 't', attemptId: 'a' })
        steps.push('dial ' + to + ' ' + state)
        return { callSid: 'CA1', status: 'queued', to, from: '', direction: 'outbound-api' }
      } }
      const urls = { voice: () => 'https://a.example/v', status: 's', recording: 'r', machineDetection: 'm' }
      new CallPlacer({ gate, telephone, store, urls, fromNumbers: ['+12025550199'] })
        .place({ tenantId: 't', leadId: 'l', sellerId: 's', via: 'say', recording: 'off', attemptId: 'a' })
        .then(({ outcome }) => console.log(JSON.stringify([...steps, outcome])))`
    expect(JSON.parse(run(directory, script))).toEqual(['decide', 'dial +12025550101 reserved', 'placed'])
  })
})
