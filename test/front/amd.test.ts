/**
 * Who answered, as Twilio tells it while the agent talks already: what becomes of the call is what its request says.
 */
import { describe, expect, test } from 'vitest'
import type { MachineDetection } from '../../src/calls/plan.js'
import { syntheticSpeech, type CallerStep, type SimulatedCall } from '../../src/simulator/index.js'
import { PUBLIC_URL } from '../scenarios/phone-line.js'
import { officeLine, REQUEST, verbsOf } from './office-line.js'

const MESSAGE = 'This is an automated call for Riverside Dental. Please call us back. Goodbye.'
const LEAVE_MESSAGE: MachineDetection = { waitForBeep: true, onMachine: 'message', message: MESSAGE }
const listensFor = (ms: number): readonly CallerStep<SimulatedCall>[] => [{ step: 'pause', ms }, { step: 'hang-up' }]

/** A call with machine detection that was answered a moment ago, and the webhook that tells by whom. */
async function answered(machineDetection: MachineDetection, script = listensFor(20_000)) {
  const said: string[] = []
  const line = await officeLine({
    twilio: {
      callee: { script },
      speakText: (text) => {
        said.push(text)
        return syntheticSpeech(text).audio
      },
    },
  })
  await line.voice.calls.place({ ...REQUEST, attemptId: 'a', machineDetection })
  const call = line.placed()
  await line.clock.until(() => line.seen[0]?.events.includes('agentTurnStarted') === true)
  const path = (line.dialled[0]!.machineDetection?.statusCallback ?? '').slice(PUBLIC_URL.length).split('#')[0]!
  const verdict = (answeredBy: string) => line.post(path, { CallSid: call.sid, AccountSid: call.accountSid, AnsweredBy: answeredBy, MachineDetectionDuration: '4100' }) // prettier-ignore
  const record = () => line.voice.calls.find({ callSid: call.sid })
  /** Once the webhooks of its end are taken in. */
  const afterwards = async () => {
    await call.ended
    await line.clock.sleep(2000)
    return record()
  }
  return { line, call, said, path, verdict, record, afterwards }
}

describe('a person', () => {
  test.each(['human', 'unknown'])('(%s) goes on with the agent', async (answeredBy) => {
    const { call, verdict, afterwards, line } = await answered({ onMachine: 'hang-up' }, listensFor(3000))
    expect((await verdict(answeredBy)).status).toBe(204)
    expect(await afterwards()).toMatchObject({ answeredBy, durationS: 3, outcome: { kind: 'answered' } })
    expect(verbsOf(call)).toEqual(['Connect'])
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'caller-hung-up' })
  })
})

describe('a machine', () => {
  test.each(['machine_start', 'machine_end_beep', 'fax'])('(%s) is hung up on, by default', async (answeredBy) => {
    const { call, verdict, afterwards, line } = await answered({})
    await verdict(answeredBy)
    expect(await afterwards()).toMatchObject({ answeredBy, outcome: { kind: answeredBy === 'fax' ? 'fax' : 'voicemail' } }) // prettier-ignore
    expect((await call.ended).durationMs).toBeLessThan(10_000)
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'closed' }) // which we did, and not the machine
    await line.expectNothingLeft()
  })

  test.each(['machine_end_beep', 'machine_end_silence', 'machine_end_other'])('(%s) hears the message once the beep is over, and nothing else', async (answeredBy) => {
    const { call, said, verdict, afterwards, line } = await answered(LEAVE_MESSAGE)
    await verdict(answeredBy)
    expect(await afterwards()).toMatchObject({ answeredBy, outcome: { kind: 'voicemail' } })
    expect(verbsOf(call)).toEqual(['Connect', 'Say', 'Hangup'])
    expect(said).toEqual([MESSAGE])
    expect(line.seen[0]!.end()).toMatchObject({ reason: 'handed-off' })
  }) // prettier-ignore

  test('goes on with the agent where the host wants that', async () => {
    const { call, verdict, afterwards } = await answered({ onMachine: 'go-on' }, listensFor(3000))
    await verdict('machine_start')
    expect(await afterwards()).toMatchObject({ answeredBy: 'machine_start', durationS: 3, outcome: { kind: 'voicemail' } }) // prettier-ignore
    expect(verbsOf(call)).toEqual(['Connect'])
  })
})

describe('the verdict', () => {
  test('that comes twice leaves one message', async () => {
    const { call, said, verdict, afterwards } = await answered(LEAVE_MESSAGE)
    await Promise.all([verdict('machine_end_beep'), verdict('machine_end_beep')])
    await verdict('machine_end_beep')
    await afterwards()
    expect(said).toEqual([MESSAGE])
    expect(verbsOf(call)).toEqual(['Connect', 'Say', 'Hangup'])
  })

  test('that comes after the end of the call puts its outcome right, and does nothing else', async () => {
    const { call, said, verdict, record, afterwards, line } = await answered(LEAVE_MESSAGE, listensFor(3000))
    expect(await afterwards()).toMatchObject({ answeredBy: null, outcome: { kind: 'answered' } })
    await verdict('machine_end_beep')
    await line.clock.sleep(2000)
    expect(await record()).toMatchObject({ answeredBy: 'machine_end_beep', outcome: { kind: 'voicemail' } })
    expect(await line.store.findAttempt({ tenantId: 'default', attemptId: 'a' })).toMatchObject({ disposition: 'voicemail' }) // prettier-ignore
    expect([verbsOf(call), said]).toEqual([['Connect'], []])
  })

  test('that is forged does nothing at all', async () => {
    const { call, path, record, line } = await answered({}, listensFor(3000))
    const forged = await fetch(`${line.origin}/voice${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': 'c2lnbmVkIGJ5IG5vYm9keQ==',
      },
      body: new URLSearchParams({ CallSid: call.sid, AnsweredBy: 'machine_start' }).toString(),
    })
    expect(forged.status).toBe(403)
    await call.verify()
    expect((await record())?.answeredBy).toBeNull()
  })
})

test('a call without detection asks for none', async () => {
  const line = await officeLine({ twilio: { callee: { script: listensFor(500) } } })
  await line.voice.calls.place({ ...REQUEST, via: 'say', answer: { message: 'Your order is ready.' } })
  expect(line.dialled[0]!.machineDetection).toBeUndefined()
})

describe('a verdict that Twilio sends itself', () => {
  test.each([
    ['machine', { waitForBeep: false }, 'machine_start', 'voicemail'],
    ['machine', { waitForBeep: true }, 'machine_end_beep', 'voicemail'],
    ['human', { waitForBeep: false }, 'human', 'answered'],
  ] as const)('%s, %o', async (answeredBy, machineDetection, word, kind) => {
    const line = await officeLine({ twilio: { callee: { script: listensFor(9000), answeredBy, detectionMs: 3000 } } })
    await line.voice.calls.place({ ...REQUEST, attemptId: 'a', machineDetection })
    const call = line.placed()
    const { durationMs } = await call.ended
    await line.clock.sleep(2000)
    expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({ answeredBy: word, outcome: { kind } })
    expect(call.answeredBy).toBe(word)
    expect(call.webhooks.find(({ purpose }) => purpose === 'machine-detection')).toMatchObject({
      status: 204,
      params: { AnsweredBy: word, MachineDetectionDuration: '3000' },
    })
    if (kind === 'voicemail') expect(durationMs).toBeLessThan(5000)
    else expect(durationMs).toBeGreaterThan(8500)
  })

  test('does not come when the call is over before', async () => {
    const line = await officeLine({ twilio: { callee: { script: listensFor(1000), answeredBy: 'machine' } } })
    await line.voice.calls.place({ ...REQUEST, attemptId: 'a', machineDetection: {} })
    const call = line.placed()
    await call.ended
    await line.clock.sleep(6000)
    expect(call.webhooks.map(({ purpose }) => purpose)).not.toContain('machine-detection')
    expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({ answeredBy: null })
  })
})
