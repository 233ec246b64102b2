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
import { createCallsApi, firstOf } from 'callweave/http'
import { storeEventClaims } from 'callweave/middleware'
import { createMemoryStore } from 'callweave/storage'
import { verifySharedSecret } from 'callweave/webhooks'
import { z } from 'zod'

const day = (open: string, close: string) => ({ open, close, enabled: true })

/** Our businesses: each has its number, its agent, its greeting, its hours, its calendar. In production they are rows of yours. */
const BUSINESSES = {
  salon: {
    name: 'Bella Salon',
    phoneNumber: '+12025550199',
    agentId: 'agent_salon',
    greeting: 'Hello! Welcome to Bella Salon. How can I help?',
    timeZone: 'America/Chicago',
    businessHours: {
      monday: day('09:00', '17:00'),
      tuesday: day('09:00', '17:00'),
      wednesday: day('09:00', '17:00'),
      thursday: day('09:00', '17:00'),
      friday: day('09:00', '17:00'),
    },
    services: [{ id: 'haircut', name: 'Haircut', price: 50, durationMinutes: 60 }],
    employees: [{ id: 'ann', name: 'Ann' }],
  },
  dentist: {
    name: 'Riverside Dental',
    phoneNumber: '+12025550177',
    agentId: 'agent_dentist',
    greeting: 'Riverside Dental, good day.',
    timeZone: 'America/New_York',
    businessHours: { monday: day('08:00', '16:00'), tuesday: day('08:00', '16:00'), friday: day('08:00', '12:00') },
    services: [{ id: 'checkup', name: 'Check-up', price: 120, durationMinutes: 30 }],
    employees: [{ id: 'drlee', name: 'Doctor Lee' }],
  },
} as const
type TenantId = keyof typeof BUSINESSES

export interface ReceptionistOptions {
  readonly config: VoiceConfig
  /** What ElevenLabs' server tools show in their header. */
  readonly toolSecret: string
  /** What each business shows to look at its own calls. */
  readonly apiKeys: Readonly<Record<TenantId, string>>
  readonly server: Server
  readonly clock: Clock
}

/** Mounts everything on a server. */
export async function createReceptionist({ config, toolSecret, apiKeys, server, clock }: ReceptionistOptions) {
  const store = createMemoryStore({ clock }) // in production one that lasts
  for (const [tenantId, { name, phoneNumber, agentId, greeting, timeZone, businessHours }] of Object.entries(
    BUSINESSES,
  )) {
    const settings = { elevenLabsAgentId: agentId, aiGreeting: greeting, timeZone, businessHours }
    await store.putTenant({ tenantId, name, phoneNumbers: [phoneNumber], settings })
  }

  const scheduling = new MemoryScheduling({ tenants: BUSINESSES, clock }) // in production `PostgresScheduling`
  const note = defineTool({
    name: 'leave_note',
    description: 'Write something down for the people at the office',
    once: true,
    parameters: z.object({ note: z.string().max(2000) }),
    handler: ({ note }, { tenantId }) => (note === '' ? refuse('EMPTY', 'What shall I write?') : { tenantId }),
  })
  // Whose call it is comes from our own record of it, and a tool sees that business only.
  const tools = new ToolRegistry([...appointmentTools({ scheduling, clock }), note], {
    clock,
    repeats: storeToolRepeats({ store, clock }), // books once, whichever process is asked again
  })

  const voice = createVoice({
    ...config,
    clock,
    store,
    tenants: 'store', // the number that was called says whose call it is
    tools,
    elevenLabsRoutes: {
      auth: {
        ...(config.elevenlabs.webhookSecret === undefined ? {} : { webhookSecret: config.elevenlabs.webhookSecret }),
        sharedSecret: { header: 'X-Tool-Secret', secret: toolSecret },
      },
      claims: storeEventClaims({ store }), // what comes twice is taken once
      scheduling,
      // Asked where ElevenLabs answers a number of its own. Older agents name the business themselves.
      onInitiation: ({ callerNumber, callSid, conversationId, ...hints }, call) => {
        const tenantId = call?.tenantId ?? hints.tenantId ?? ''
        if (!isTenant(tenantId)) throw new Error('nobody has that number')
        const tenant = { tenantId, ...BUSINESSES[tenantId] }
        return initiationAnswer({ tenant, call: { callerNumber, callSid, conversationId } })
      },
    },
  })

  // Each business looks at its own calls, and another's are not there.
  const api = createCallsApi({
    placer: voice.calls,
    store,
    paths: { '/calls/': 'status' },
    authorize: ({ header }) => {
      const shown = header('x-api-key')
      const tenantId = Object.keys(BUSINESSES)
        .filter(isTenant)
        .find((id) => verifySharedSecret({ secret: apiKeys[id], header: shown }).ok)
      return tenantId && { tenantId }
    },
    defaults: { via: 'bridge', recording: 'off' },
  })

  const app = express()
  app.use('/voice', voiceRouter({ handle: firstOf(voice.handle, api) })) // before any body parser
  server.on('request', app)
  voice.attach(server)
  return { voice, store, scheduling }
}

function isTenant(id: string): id is TenantId {
  return Object.hasOwn(BUSINESSES, id)
}
