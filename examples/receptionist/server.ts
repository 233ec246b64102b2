/** A receptionist for several businesses on one server: books while it talks, and keeps what was said next to what was heard. */
import type { Server } from 'node:http'
import express from 'express'
import { createVoice, type Clock, type VoiceConfig } from 'callweave'
import {
  appointmentTools,
  defineTool,
  MemoryScheduling,
  refuse,
  storeToolRepeats,
  ToolRegistry,
} from 'callweave/agent-tools'
import { initiationAnswer } from 'callweave/context'
import { voiceRouter } from 'callweave/express'
import { createElevenLabsHandler, firstOf, storeEventClaims, type KnownCall } from 'callweave/middleware'
import { createMemoryStore } from 'callweave/storage'
import { z } from 'zod'

const weekday = { open: '09:00', close: '17:00', enabled: true }
const businessHours = { monday: weekday, tuesday: weekday, wednesday: weekday, thursday: weekday, friday: weekday }

/** Our businesses. In production the calendar is `PostgresScheduling`, or your own behind the same port. */
const BUSINESSES = {
  salon: {
    name: 'Bella Salon',
    timeZone: 'America/Chicago',
    businessHours,
    services: [{ id: 'haircut', name: 'Haircut', price: 50, durationMinutes: 60 }],
    employees: [{ id: 'ann', name: 'Ann' }],
  },
  dentist: {
    name: 'Riverside Dental',
    timeZone: 'America/New_York',
    businessHours,
    services: [{ id: 'checkup', name: 'Check-up', price: 120, durationMinutes: 30 }],
    employees: [{ id: 'drlee', name: 'Doctor Lee' }],
  },
} as const
type TenantId = keyof typeof BUSINESSES

/** Which number is whose. */
const NUMBERS: Readonly<Record<string, TenantId>> = { '+12025550199': 'salon', '+12025550177': 'dentist' }

export interface ReceptionistOptions {
  readonly config: VoiceConfig
  /** Of the workspace's webhooks, and of the server tools' header. */
  readonly webhookSecret: string
  readonly toolSecret: string
  readonly server: Server
  readonly clock: Clock
  readonly allowInsecure?: boolean
}

/** Mounts everything on a server. */
export function createReceptionist(options: ReceptionistOptions) {
  const { config, webhookSecret, toolSecret, server, clock, ...rest } = options
  const store = createMemoryStore({ clock })
  const scheduling = new MemoryScheduling({ tenants: BUSINESSES, clock })
  const calls = new Map<string, KnownCall & { readonly heard: { speaker: string; text: string; at: number }[] }>()
  const sidOf = new Map<string, string>() // a server tool knows its conversation and nothing else

  const note = defineTool({
    name: 'leave_note',
    description: 'Write something down for the people at the office',
    once: true,
    parameters: z.object({ note: z.string().max(2000) }),
    handler: ({ note }, { tenantId }) => (note === '' ? refuse('EMPTY', 'What shall I write?') : { tenantId }),
  })
  const registry = new ToolRegistry([...appointmentTools({ scheduling, clock }), note], {
    clock,
    repeats: storeToolRepeats({ store, clock }), // books once, whichever process is asked again
  })

  const voice = createVoice({
    ...config,
    ...rest,
    clock,
    // Client tools: the same registry, by every name.
    tools: Object.fromEntries(
      registry.tools.flatMap(({ name, aliases }) => [name, ...aliases]).map((toolName) => [
        toolName,
        (parameters: unknown, { callSid, toolCallId, signal }: { callSid: string; toolCallId: string; signal: AbortSignal }) => {
          const call = calls.get(callSid)
          if (!call) return { success: false, error: 'This call is not known.', code: 'UNKNOWN_CALL' }
          const { tenantId, remoteNumber } = call
          const context = { tenantId, call: { callSid, remoteNumber }, toolCallId, signal }
          return registry.run({ toolName, parameters, context })
        },
      ]),
    ), // prettier-ignore
    answer: ({ to, from, callSid }) => {
      const tenantId = NUMBERS[to]
      if (!tenantId) return { reject: 'rejected' }
      calls.set(callSid, { tenantId, callSid, remoteNumber: from, heard: [] })
      const { dynamic_variables: dynamicVariables } = initiationAnswer({
        tenant: { tenantId, ...BUSINESSES[tenantId] },
        call: { callerNumber: from, callSid },
      })
      return { initiation: { dynamicVariables } }
    },
  })
  voice.on('call', ({ callSid, bridge }) => {
    bridge.on('joined', ({ conversationId }) => sidOf.set(conversationId, callSid))
    bridge.on('callerTurn', ({ text, at }) => calls.get(callSid)?.heard.push({ speaker: 'caller', text, at }))
    bridge.on('agentTurnEnded', ({ heardText, at }) =>
      calls.get(callSid)?.heard.push({ speaker: 'agent', text: heardText, at }),
    )
  })

  const handle = createElevenLabsHandler({
    clock,
    auth: { webhookSecret, sharedSecret: { header: 'X-Tool-Secret', secret: toolSecret } },
    claims: storeEventClaims({ store }),
    tools: registry,
    scheduling,
    // Our own record of the call decides whose it is; what the request says is only how it is found.
    findCall: ({ callSid, conversationId = '', calledNumber, tenantId }) => {
      const known = calls.get(callSid ?? sidOf.get(conversationId) ?? '')
      const byNumber = calledNumber === undefined ? undefined : NUMBERS[calledNumber]
      if (known ?? byNumber) return known ?? { tenantId: byNumber ?? '' }
      return tenantId !== undefined && Object.hasOwn(BUSINESSES, tenantId) ? { tenantId } : undefined
    },
    onInitiation: ({ callerNumber, callSid, conversationId }, call) => {
      const tenantId = (call?.tenantId ?? 'salon') as TenantId
      const tenant = { tenantId, ...BUSINESSES[tenantId] }
      return initiationAnswer({ tenant, call: { callerNumber, callSid, conversationId } })
    },
    onEvent: async ({ event, call }) => {
      if (event.type !== 'post_call_transcription' || call?.callSid === undefined) return
      const { conversation_id: conversationId, transcript = [] } = event.data
      const shared = { tenantId: call.tenantId, callSid: call.callSid, conversationId }
      const turns = transcript.flatMap(({ role, message, time_in_call_secs: atS }) =>
        message ? [{ speaker: role, text: message, atMs: (atS ?? 0) * 1000 }] : [],
      )
      const heard = (calls.get(call.callSid)?.heard ?? []).map(({ speaker, text }) => ({ speaker, text, atMs: null }))
      for (const [source, list] of [['elevenlabs', turns], ['playback-ledger', heard]] as const) {
        const text = list.map((turn) => `${turn.speaker}: ${turn.text}`).join('\n')
        await store.putTranscript({ ...shared, transcriptId: `${conversationId}-${source}`, source, text, turns: [...list] })
      } // prettier-ignore
    },
  })

  const app = express()
  app.use('/voice', voiceRouter({ handle: firstOf(voice.handle, handle) })) // before any body parser
  server.on('request', app)
  voice.attach(server)
  return { voice, store, scheduling }
}
