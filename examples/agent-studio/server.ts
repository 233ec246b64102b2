/**
 * The backend of an agent studio: "Test call" and "Live call" as its pages ask for them, on Fastify. What you would deploy.
 *
 * @module
 */
import fastify, { type FastifyInstance } from 'fastify'
import { createVoice, type Voice, type VoiceOptions } from 'callweave'
import { createPolicy, loadRulePack, ownNumber, STANDARD_RULES, type NationalRegistry } from 'callweave/compliance'
import { voicePlugin } from 'callweave/fastify'
import { createCallsApi, firstOf, type CallsApiCaller } from 'callweave/http'
import type { Store } from 'callweave/storage'

/** An agent as the studio's database has it. */
export interface StudioAgent {
  readonly ownerId: string
  readonly elevenLabsAgentId: string
}

export interface StudioOptions extends Omit<
  VoiceOptions,
  'store' | 'policy' | 'compliance' | 'paths' | 'elevenLabsRoutes'
> {
  readonly store: Store
  /** The national do-not-call registry: `NationalDoNotCallList` of `callweave/do-not-call-list`. */
  readonly national: NationalRegistry
  /** Who is logged in, from the session that the page sends along. */
  readonly findUser: (authorization: string) => CallsApiCaller | undefined
  /** The studio's agents by their id. */
  readonly agents: ReadonlyMap<string, StudioAgent>
  /** The house's own telephones, in E.164: a test call rings nowhere else. */
  readonly testNumbers: readonly string[]
}

/** Everything that depends on the account comes from outside, so that the same code runs on real accounts and on simulated ones. */
export async function studio(options: StudioOptions): Promise<{ voice: Voice; app: FastifyInstance }> {
  const { store, national, findUser, agents, testNumbers, ...rest } = options
  const rulePack = await loadRulePack()
  const policy = createPolicy(rulePack)
  // A test call asks nobody for consent, for it rings nobody but ourselves. That is a policy of its own, and stands in the audit log.
  const aboutTheNumber = STANDARD_RULES.filter(({ check }) => ['numberValid', 'destinationSupported'].includes(check))
  const testCalls = createPolicy(rulePack, { rules: [...aboutTheNumber, ownNumber(testNumbers)] })

  const voice = createVoice({
    ...rest,
    store,
    paths: 'voiceNow', // /api/webhooks/twilio/elevenlabs-outbound, /api/webhooks/twilio/call-status
    elevenLabsRoutes: { paths: { events: '/api/webhooks/elevenlabs/conversation-event' } },
    policy: ({ exemption }) => (exemption ? testCalls : policy),
    compliance: { national },
  })
  const api = createCallsApi({
    placer: voice.calls,
    store,
    authorize: ({ header }) => findUser(String(header('authorization') ?? '')),
    // Somebody else's agent is not there.
    findAgent: (agentId, { ownerId }) => {
      const agent = agents.get(agentId)
      return agent?.ownerId === ownerId ? agent : undefined
    },
    defaults: (route, { ownerId = 'the studio' }) => ({
      via: 'bridge',
      recording: 'off',
      ...(route === 'test-call' ? { exemption: { reason: 'test call', approvedBy: ownerId } } : {}),
    }),
    defaultCountry: 'US', // people type 2125550123
  })

  const app = fastify()
  await app.register(voicePlugin({ handle: firstOf(voice.handle, api) })) // leaves bodies unparsed, within the plugin only
  voice.attach(app.server)
  return { voice, app }
}
