/**
 * Recordings of calls that the office places: asked for by name, told to the agent, and joined to their call.
 */
import { describe, expect, test } from 'vitest'
import type { CallerStep, SimulatedCall } from '../../src/simulator/index.js'
import type { VoiceCallRequest } from '../../src/front/voice-calls.js'
import { PUBLIC_URL } from '../scenarios/phone-line.js'
import { officeLine, REQUEST } from './office-line.js'

const RECORDING_SID = `RE${'4'.repeat(32)}`
const script: readonly CallerStep<SimulatedCall>[] = [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] // prettier-ignore

/** A call that is over, and the webhooks of its recording. */
async function recorded(request: Partial<VoiceCallRequest> = {}) {
  const line = await officeLine({
    agent: { allowedOverrides: { conversation: { text_only: true } }, firstMessage: 'Hello there.' },
    twilio: { callee: { script, recordingFaults: { lost: true } } }, // the tests tell of it by hand
  })
  await line.voice.calls.place({ ...REQUEST, recording: 'dual', ...request })
  const call = line.placed()
  await call.verify()
  await line.clock.sleep(1500)
  const path = (line.dialled[0]!.recording?.statusCallback ?? '').slice(PUBLIC_URL.length).split('#')[0]!
  const params = (status: string): Record<string, string> => ({
    AccountSid: call.accountSid, CallSid: call.sid, RecordingSid: RECORDING_SID, RecordingStatus: status, RecordingSource: 'OutboundAPI', RecordingTrack: 'both',
    RecordingStartTime: 'Fri, 27 Nov 2026 10:00:00 +0000', ErrorCode: '0',
    ...(status === 'completed' ? { RecordingUrl: `https://api.twilio.com/2010-04-01/Accounts/${call.accountSid}/Recordings/${RECORDING_SID}`, RecordingDuration: '42', RecordingChannels: '2' } : {}),
  }) // prettier-ignore
  const tell = (status: string) => line.post(path, params(status))
  const settle = () => line.clock.sleep(2000)
  const recordings = async () => (await line.store.listRecordings({ tenantId: 'default', filter: { callSid: call.sid } })).items // prettier-ignore
  return { line, call, path, params, tell, settle, recordings }
}

const COMPLETED = { recordingSid: RECORDING_SID, status: 'completed', durationS: 42, channels: 2 }

describe('a call that is recorded', () => {
  test.each(['bridge', 'conversation-relay'] as const)('via %s tells its agent so, and has its recording', async (via) => {
    const { line, call, tell, settle, recordings } = await recorded({ via })
    expect(line.elevenlabs.conversations[0]!.dynamicVariables).toMatchObject({ is_recorded: true, call_sid: call.sid })
    expect((await tell('completed')).status).toBe(204)
    await settle()
    expect(await recordings()).toMatchObject([{ ...COMPLETED, callSid: call.sid }])
    expect(line.logged.join('\n')).toContain(`Recording completed for ${call.sid}`)
  }) // prettier-ignore

  test('has one recording, however often and in whatever order its webhooks come', async () => {
    const { tell, settle, recordings } = await recorded()
    await Promise.all([tell('completed'), tell('completed')])
    await settle()
    await tell('in-progress') // overtaken on its way
    await tell('absent')
    await settle()
    expect(await recordings()).toMatchObject([COMPLETED])
  })

  test('has it also when the webhook comes first of all', async () => {
    const { tell, settle, recordings } = await recorded()
    await tell('in-progress')
    await settle()
    expect(await recordings()).toMatchObject([{ status: 'in-progress', durationS: null }])
    await tell('completed')
    await settle()
    expect(await recordings()).toMatchObject([COMPLETED])
  })

  test('once it is archived a late webhook does not take it back', async () => {
    const { line, tell, settle, recordings } = await recorded()
    await line.store.putRecording({ tenantId: 'default', recordingSid: RECORDING_SID, callSid: line.placed().sid, status: 'archived', archivedAs: 'calls/42.wav' }) // prettier-ignore
    await tell('completed')
    await settle()
    expect(await recordings()).toMatchObject([{ status: 'archived', archivedAs: 'calls/42.wav' }])
  })

  test('says when nothing was recorded', async () => {
    const { tell, settle, recordings } = await recorded()
    await tell('absent')
    await settle()
    expect(await recordings()).toMatchObject([{ status: 'absent' }])
  })

  test('takes no forged one', async () => {
    const { line, path, params, settle, recordings } = await recorded()
    const forged = await fetch(`${line.origin}/voice${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': 'c2lnbmVkIGJ5IG5vYm9keQ==',
      },
      body: new URLSearchParams(params('completed')).toString(),
    })
    expect(forged.status).toBe(403)
    await settle()
    expect(await recordings()).toEqual([])
  })

  test('tells of it once, with its call', async () => {
    const { line, call, tell, settle } = await recorded()
    await tell('completed')
    await settle()
    await tell('completed')
    await settle()
    const told: unknown[] = []
    for (;;) {
      const taken = await line.store.takeEvents({ tenantId: 'default', limit: 100, visibilityMs: 60_000 })
      if (taken.length === 0) break
      for (const { event, receipt } of taken) {
        if (event.type === 'recording.completed') told.push(event.data)
        await line.store.ackEvent(receipt)
      }
    }
    expect(told).toEqual([{ callSid: call.sid, recordingSid: RECORDING_SID }])
  })
})

describe('a call that is not recorded', () => {
  test('asks for nothing, and its agent is told nothing', async () => {
    const { line } = await recorded({ recording: 'off' })
    expect(line.dialled[0]!.recording).toBeUndefined()
    expect(line.elevenlabs.conversations[0]!.dynamicVariables).not.toHaveProperty('is_recorded')
  })

  test('has to say so: there is no silent default', async () => {
    const line = await officeLine()
    const silent = { leadId: 'lead-1', sellerId: 'riverside' } as VoiceCallRequest
    await expect(line.voice.calls.place(silent)).rejects.toThrow(/recording must be/)
    expect(line.dialled).toEqual([])
  })
})

test('Twilio tells of the recording itself, twice: one record, as long as the call', async () => {
  const line = await officeLine({ twilio: { callee: { script: [{ step: 'pause', ms: 7000 }, { step: 'hang-up' }], recordingFaults: { twice: true } } } }) // prettier-ignore
  await line.voice.calls.place({ ...REQUEST, recording: 'dual' })
  const call = line.placed()
  await call.verify()
  await line.clock.sleep(2000)
  const told = call.webhooks.filter(({ purpose }) => purpose === 'recording-callback')
  expect(told.map(({ status, params }) => [status, params.RecordingStatus])).toEqual([[204, 'completed'], [204, 'completed']]) // prettier-ignore
  const { items } = await line.store.listRecordings({ tenantId: 'default', filter: { callSid: call.sid } })
  expect(items).toMatchObject([{ recordingSid: told[0]!.params.RecordingSid, status: 'completed', durationS: 7, channels: 2 }]) // prettier-ignore
})
