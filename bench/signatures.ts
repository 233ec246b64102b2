/**
 * What checking a Twilio signature costs, against the `twilio` package in the same run.
 *
 * @module
 */
import type * as webhooks from 'callweave/webhooks'
import { createRequire } from 'node:module'
import { parse } from 'node:querystring'
import { median } from './accounting.js'
import { figure, spread, type Figure } from './report.js'
import type { Extent } from './setting.js'

type Ours = Pick<typeof webhooks, 'verifyTwilioRequest' | 'verifyTwilioUpgrade'>

interface Vendor {
  getExpectedTwilioSignature(authToken: string, url: string, params: object): string
  validateRequest(authToken: string, signature: string, url: string, params: object): boolean
}

interface Case {
  readonly name: string
  readonly ours: () => boolean
  readonly theirs: () => boolean
}

const AUTH_TOKEN = '0123456789abcdef0123456789abcdef'
const CONTENT_TYPE = 'application/x-www-form-urlencoded; charset=UTF-8'
const FORGED = `${'A'.repeat(27)}=`
const CHECKS_A_ROUND = 4000
const AT_LEAST = 5

/** The parameters of an inbound call, of the usual sizes and in no order, as they arrive. */
const VOICE_PARAMS: Record<string, string> = {
  Called: '+15005550006',
  ToState: '',
  CallerCountry: 'US',
  Direction: 'inbound',
  CallerState: 'CA',
  ToZip: '',
  CallSid: `CA${'1'.repeat(32)}`,
  To: '+15005550006',
  CallerZip: '94105',
  CallToken: '{"parentCallInfoToken":"'.padEnd(300, 'eyJhbGciOiJFUzI1NiJ9'),
  ToCountry: 'US',
  StirVerstat: 'TN-Validation-Passed-A',
  CalledZip: '',
  ApiVersion: '2010-04-01',
  CalledCity: '',
  CallStatus: 'ringing',
  From: '+15005550001',
  AccountSid: `AC${'0'.repeat(32)}`,
  CalledCountry: 'US',
  CallerCity: 'SAN FRANCISCO',
  ToCity: '',
  FromCountry: 'US',
  Caller: '+15005550001',
  FromCity: 'SAN FRANCISCO',
  CalledState: '',
  FromZip: '94105',
  FromState: 'CA',
}

function cases(vendor: Vendor, { verifyTwilioRequest, verifyTwilioUpgrade }: Ours): readonly Case[] {
  const url = 'https://voice.example.com/twilio/voice'
  const signature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, url, VOICE_PARAMS)
  const socketUrl = 'wss://voice.example.com/twilio/media'
  const socketSignature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, socketUrl, {})
  const form = { authToken: AUTH_TOKEN, url, contentType: CONTENT_TYPE, params: VOICE_PARAMS, signature }
  const forgedForm = { ...form, signature: FORGED }
  const body = new URLSearchParams(VOICE_PARAMS).toString()
  const raw = { authToken: AUTH_TOKEN, url, contentType: CONTENT_TYPE, body, signature }
  return [
    {
      name: 'valid form',
      ours: () => verifyTwilioRequest(form).ok,
      theirs: () => vendor.validateRequest(AUTH_TOKEN, signature, url, VOICE_PARAMS),
    },
    {
      name: 'valid form, from the raw body',
      ours: () => verifyTwilioRequest(raw).ok,
      theirs: () => vendor.validateRequest(AUTH_TOKEN, signature, url, parse(body)),
    },
    {
      name: 'forged form',
      ours: () => !verifyTwilioRequest(forgedForm).ok,
      theirs: () => !vendor.validateRequest(AUTH_TOKEN, FORGED, url, VOICE_PARAMS),
    },
    {
      name: 'valid socket',
      ours: () => verifyTwilioUpgrade({ authToken: AUTH_TOKEN, signature: socketSignature, url: socketUrl }).ok,
      theirs: () => vendor.validateRequest(AUTH_TOKEN, socketSignature, socketUrl, {}),
    },
    {
      name: 'forged socket',
      ours: () => !verifyTwilioUpgrade({ authToken: AUTH_TOKEN, signature: FORGED, url: socketUrl }).ok,
      theirs: () => !vendor.validateRequest(AUTH_TOKEN, FORGED, socketUrl, {}),
    },
  ]
}

function microsecondsACheck(check: () => boolean): number {
  const before = process.cpuUsage() // processor time: other work on the machine is not measured with it
  for (let i = 0; i < CHECKS_A_ROUND; i++) if (!check()) throw new Error('a check came out wrong')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / CHECKS_A_ROUND
}

/** How many times as fast as `validateRequest` of the `twilio` package, case by case, in interleaved rounds. */
export async function benchSignatures({ isQuick }: Extent): Promise<readonly Figure[]> {
  const vendor = createRequire(import.meta.url)('twilio/lib/webhooks/webhooks.js') as Vendor
  const ours = (await import(new URL('../dist/webhooks.js', import.meta.url).href)) as Ours
  const rows = cases(vendor, ours).map((one) => ({ ...one, ourUs: [] as number[], ratios: [] as number[] }))
  for (let round = -2; round < (isQuick ? 5 : 15); round++) {
    for (const row of rows) {
      const theirUs = microsecondsACheck(row.theirs)
      const ourUs = microsecondsACheck(row.ours)
      if (round < 0) continue // the first two warm up
      row.ourUs.push(ourUs)
      row.ratios.push(theirUs / ourUs)
    }
  }
  return rows.map(({ name, ourUs, ratios }) =>
    figure({
      what: `Twilio signature, ${name}, speed against the twilio package`,
      reached: `${spread(ratios, median(ratios), 1)} ×, ${median(ourUs).toFixed(1)} µs`,
      target: `≥ ${AT_LEAST} ×`,
      value: median(ratios),
      atLeast: AT_LEAST,
    }),
  )
}
