/**
 * What a whole call tells: every event of it, once, in order, and to whoever was named for it.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { CloudEvent } from '../../src/events/cloud-event.js'
import type { EventSink } from '../../src/events/sink.js'
import type { SimulatedAgentOptions } from '../../src/simulator/index.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import type { Store } from '../../src/storage/store.js'
import { speech } from '../scenarios/phone-line.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'
import { steppedClock, type SteppedClock } from '../support/stepped-clock.js'
import { LEAD_NUMBER, OFFICE_NUMBER, officeLine, REQUEST, type OfficeLine } from './office-line.js'

interface Told {
  readonly event: CloudEvent
  readonly key: string
}

/** A sink that keeps what it gets. */
function keepingSink(): EventSink & { readonly told: Told[] } {
  const told: Told[] = []
  return {
    told,
    async deliver({ event, key }) {
      told.push({ event, key })
    },
  }
}

const nameOf = ({ event }: Told): string => event.type.replace('callweave.', '')
const summary = ({ event }: Told): string => {
  const { callStatus, speaker, source } = event.data as Record<string, string | undefined>
  return [event.type.replace('callweave.', ''), callStatus ?? speaker ?? source].filter(Boolean).join(' ')
}

const toolAgent: Partial<SimulatedAgentOptions> = {
  script: [
    {
      after: speech['move-request'].text,
      reply: [{ callTool: { name: 'find_appointment', parameters: { of: 'Ada' } }, onResult: () => speech.offer }],
    },
  ],
}

/** Asks something that takes a tool, hears the answer out, and wants never to be called again. */
const callee = [
  { step: 'wait-for-agent-speech', forMs: 300, withinMs: 20_000 },
  { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 30_000 },
  { step: 'speak', utterance: speech['move-request'] },
  { step: 'wait-for-agent-speech', forMs: 300, withinMs: 20_000 },
  { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 30_000 },
  { step: 'press', digits: '9' },
  { step: 'expect-hang-up', withinMs: 30_000 },
] as const

const SECRET = 'a-secret-of-16-chars'
const routes = { auth: { sharedSecret: { header: 'x-secret', secret: SECRET } } }

async function postCall(line: OfficeLine, callSid: string, event_timestamp: number): Promise<void> {
  const conversation_id = line.elevenlabs.conversations[0]!.conversationId
  const event = {
    type: 'post_call_transcription',
    event_timestamp,
    data: {
      agent_id: 'agent_riverside', conversation_id, status: 'done', metadata: { call_duration_secs: 7 },
      transcript: [{ role: 'agent', message: speech.greeting.text, time_in_call_secs: 0 }],
      conversation_initiation_client_data: { dynamic_variables: { call_sid: callSid } },
    },
  } // prettier-ignore
  const headers = { 'content-type': 'application/json', 'x-secret': SECRET }
  const answer = await fetch(`${line.origin}/voice/elevenlabs/events`, { method: 'POST', headers, body: JSON.stringify(event) }) // prettier-ignore
  expect(answer.status).toBe(200)
}

/** Places a call, plays it whole with every webhook delivered twice, and lets every event go out. */
async function wholeCall(clock: SteppedClock, makeStore?: (clock: SteppedClock) => Promise<Store>) {
  const plain = keepingSink()
  const trusted = keepingSink()
  const line = await officeLine(
    {
      clock,
      agent: toolAgent,
      twilio: { callee: { script: callee } },
      voice: {
        events: { sinks: { plain, trusted }, personalFieldsTo: ['trusted'], turns: 'text' },
        tools: { find_appointment: async () => ({ day: 'Monday' }) },
        elevenLabsRoutes: routes,
        onRecording: async ({ recordingSid }) => {
          await clock.sleep(100)
          const transcript = { source: 'whisper', text: 'the whole call' }
          return { archivedAs: `archive/${recordingSid}.wav`, transcript }
        },
      },
    },
    makeStore,
  )
  const statuses: Record<string, string>[] = []
  line.voice.on('callStatus', (params) => statuses.push({ ...params }))
  await line.voice.calls.place({ ...REQUEST, attemptId: 'a-1' })
  const call = line.placed()
  await call.verify()
  const callOver = () => plain.told.some((told) => nameOf(told) === 'call.ended')
  await clock.until(callOver, 60_000)

  for (const params of [...statuses]) await line.post('/status?tenant=default&attempt=a-1', params)
  await clock.sleep(50)
  for (const at of [1, 1, 2]) await postCall(line, call.sid, at) // the last as another process would take it
  const recording = { CallSid: call.sid, RecordingSid: 'RE1', RecordingStatus: 'completed', RecordingDuration: '7', RecordingUrl: 'https://api.twilio.example/RE1' } // prettier-ignore
  await clock.sleep(50)
  for (let i = 0; i < 2; i++) await line.post('/recording?tenant=default', recording)
  await clock.until(() => plain.told.some((told) => nameOf(told) === 'recording.processed'), 60_000)
  await line.post('/recording?tenant=default', recording)
  await clock.sleep(5000)
  return { line, callSid: call.sid, plain, trusted }
}

/** Records in the order in which they are written when it is one moment. */
const KINDS = ['calls', 'consent-revocations', 'transcripts', 'recordings']

/** By the moment at which it happened. */
function inTime(told: readonly Told[]): Told[] {
  const rank = ({ key }: Told): number => KINDS.indexOf(key.split(':')[0] ?? '')
  return [...told].sort((a, b) => Date.parse(a.event.time) - Date.parse(b.event.time) || rank(a) - rank(b))
}

const STORY = [
  'call.placed',
  'call.status-changed initiated',
  'call.status-changed ringing',
  'call.status-changed in-progress',
  'turn.started agent',
  'turn.ended agent',
  'turn.ended caller',
  'tool.called',
  'turn.started agent',
  'turn.ended agent',
  'opt-out.recorded',
  'call.status-changed completed',
  'call.ended completed',
  'transcript.ready elevenlabs',
  'recording.completed',
  'transcript.ready whisper',
  'recording.processed',
]

function expectTheStory({ callSid, plain, trusted }: Awaited<ReturnType<typeof wholeCall>>): void {
  const isLedger = (told: Told) => summary(told) === 'transcript.ready playback-ledger'
  for (const { told } of [plain, trusted]) {
    // As the agent's part ends, beside the end of the call.
    expect(told.filter(isLedger)).toHaveLength(1)
    expect(inTime(told).filter((one) => !isLedger(one)).map(summary)).toEqual(STORY) // prettier-ignore
    expect(new Set(told.map(({ event }) => event.id)).size).toBe(told.length)
    expect(new Set(told.map(({ event }) => event.subject))).toEqual(new Set([callSid]))
    // What the call's own record tells comes in that order by itself.
    const ofCall = told.filter(({ key }) => key === `calls:${callSid}`)
    expect(ofCall).toEqual(inTime(ofCall))
    expect(ofCall).toHaveLength(told.length - 6)
  }
  const dataOf = (from: readonly Told[], name: string) => inTime(from).filter((told) => nameOf(told) === name).map(({ event }) => event.data) // prettier-ignore
  expect(dataOf(plain.told, 'tool.called')).toEqual([{ callSid, toolName: 'find_appointment', toolCallId: expect.any(String), isError: false, tookMs: expect.any(Number) }]) // prettier-ignore
  expect(dataOf(plain.told, 'recording.processed')).toEqual([{ callSid, recordingSid: 'RE1', transcriptId: 'RE1:whisper' }]) // prettier-ignore
  const optOut = { revocationId: expect.any(String), channel: 'keypress', callSid, leadId: 'lead-1' }
  expect(dataOf(plain.told, 'opt-out.recorded')).toEqual([optOut])
  expect(dataOf(trusted.told, 'opt-out.recorded')).toEqual([{ ...optOut, phoneNumber: LEAD_NUMBER }])
  const [greeting, asked] = dataOf(trusted.told, 'turn.ended')
  expect(greeting).toMatchObject({ speaker: 'agent', isInterrupted: false, text: speech.greeting.text })
  expect(asked).toMatchObject({ speaker: 'caller', text: speech['move-request'].text })
  // Who was not named for it learns no number and no word.
  const whole = JSON.stringify(plain.told)
  for (const secret of [
    LEAD_NUMBER,
    OFFICE_NUMBER,
    'the whole call',
    ...Object.values(speech).map(({ text }) => text),
  ]) {
    // prettier-ignore
    expect(whole.includes(secret)).toBe(false)
  }
}

describe('a whole call, each of its webhooks delivered twice, tells every event once and in order', () => {
  test('from a store in memory', async () => {
    const played = await wholeCall(steppedClock())
    expectTheStory(played)
    const { line, callSid } = played
    expect(await line.store.findRecording({ tenantId: 'default', recordingSid: 'RE1' })).toMatchObject({ status: 'archived', archivedAs: 'archive/RE1.wav', callSid }) // prettier-ignore
    await line.expectNothingLeft()
    expect(await line.store.takeEvents({ tenantId: 'default', limit: 10, visibilityMs: 1000 })).toEqual([])
  })

  const drops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const drop of drops.splice(0)) await drop()
  })
  test.skipIf(!databaseUrl)(
    `from PostgreSQL${databaseUrl ? '' : ' (skipped: set DATABASE_URL)'}`,
    { timeout: 120_000 },
    async () => {
      const { pool, drop } = await ownDatabase()
      let asked = 0
      const query = async (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
        asked++
        try {
          return await pool.query(text, values)
        } finally {
          asked--
        }
      }
      const played = await wholeCall(
        steppedClock(() => asked > 0),
        async (clock) => {
          const store = createPostgresStore({ client: { query }, clock, operationTimeoutMs: 600_000 })
          await store.migrate()
          return store
        },
      )
      await played.line.voice.close({ drainMs: 0 })
      await drop()
      expectTheStory(played)
    },
  )
})
