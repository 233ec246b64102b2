/**
 * What ElevenLabs sends over HTTP, joined to the calls of this process and to their records.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { ToolRegistry } from '../agent-tools/registry.js'
import { isVariableValue } from '../context/variables.js'
import { createElevenLabsHandler } from '../middleware/elevenlabs-handler.js'
import type { CallHints, ElevenLabsHandlerOptions, KnownCall } from '../middleware/elevenlabs-options.js'
import type { HostHandler } from '../middleware/host-request.js'
import { remotePartyOf } from '../records/call.js'
import type { BridgedCalls } from './bridged-calls.js'
import type { CallRecords } from './call-records.js'
import type { FrontContext } from './context.js'
import type { Tenants } from './tenants.js'

/** What ElevenLabs may ask and tell over HTTP. Its paths begin with `/elevenlabs` unless `paths` says otherwise. */
export interface ElevenLabsRoutesOptions extends Partial<Omit<ElevenLabsHandlerOptions, 'clock' | 'logger' | 'tools'>> {
  /** Tools by webhook. Default: the registry that `tools` of the front door holds. */
  readonly tools?: ToolRegistry
}

/**
 * Makes the handler; `undefined` when nobody asked for it and nothing says how ElevenLabs proves itself.
 *
 * @throws TypeError when it was asked for, and nothing says so: nobody may tell us of calls unproven.
 */
export function elevenLabsRoutes(parts: {
  readonly context: FrontContext
  readonly bridged: BridgedCalls
  readonly records: CallRecords
  readonly tenants: Tenants
  readonly options: ElevenLabsRoutesOptions | undefined
  readonly registry: ToolRegistry | undefined
}): HostHandler | undefined {
  const { context, records, registry } = parts
  const { webhookSecret } = context.config.elevenlabs
  if (!parts.options && webhookSecret === undefined) return undefined
  const options = parts.options ?? {}
  const auth = options.auth ?? (webhookSecret === undefined ? {} : { webhookSecret })
  const given = options.tools ?? registry
  const tools = given && toldOf(given, context, records)
  const { onInitiation } = options
  return createElevenLabsHandler({
    ...options,
    auth,
    clock: context.clock,
    logger: context.logger,
    findCall: options.findCall ?? ((hints) => findCall(hints, parts)),
    ...(tools ? { tools } : {}),
    ...(onInitiation ? { onInitiation: async (hints, call) => completed(await onInitiation(hints, call), hints, context) } : {}), // prettier-ignore
    onEvent: async (received) => {
      const { event, call } = received
      if (event.type === 'post_call_transcription' && call?.callSid !== undefined) {
        await records.transcribed(event.data, { tenantId: call.tenantId, callSid: call.callSid })
      }
      await options.onEvent?.(received)
    },
  })
}

/** The same registry, whose answers to a call are told as events. */
function toldOf(registry: ToolRegistry, { clock }: FrontContext, records: CallRecords): ToolRegistry {
  const run: ToolRegistry['run'] = async (request) => {
    const startedMs = clock.monotonicMs()
    const answer = await registry.run(request)
    const { toolName, context } = request
    const { callSid } = context.call
    if (callSid !== undefined) {
      const tookMs = Math.round(clock.monotonicMs() - startedMs)
      const toolCallId = context.toolCallId ?? randomUUID()
      records.toolAnswered(context.tenantId, { callSid, toolName, toolCallId, isError: !answer.success, tookMs })
    }
    return answer
  }
  return new Proxy(registry, {
    get: (target, name) => {
      if (name === 'run') return run
      const member: unknown = Reflect.get(target, name, target)
      // Bound to the registry itself: a class with private fields knows no proxy.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/**
 * The answer to the initiation webhook with every variable that the agent uses. Nobody but the host can say what is missing, and a call that
 * lacks it ends as it begins, so an empty text stands in for it, and the log says that it does.
 */
async function completed(answer: unknown, hints: CallHints, context: FrontContext): Promise<unknown> {
  const { agentId, callSid, conversationId } = hints
  if (typeof answer !== 'object' || answer === null || agentId === undefined) return answer
  const { dynamic_variables: given, conversation_config_override: override } = answer as {
    readonly dynamic_variables?: Readonly<Record<string, unknown>> | null
    readonly conversation_config_override?: { agent?: { first_message?: string; prompt?: { prompt?: string } } } | null
  }
  const entries = Object.entries(given ?? {})
  const taken = Object.fromEntries(
    entries.filter(([name, value]) => isVariableValue(value) && !name.startsWith('system__')),
  )
  const { agent } = override ?? {}
  const own = { firstMessage: agent?.first_message, prompt: agent?.prompt?.prompt }
  const { standIns, missing, error } = await context.variables.lacking(agentId, taken, own)
  if (error) {
    context.logger.error('The answer to the initiation webhook lacks variables that the agent uses', { agentId, callSid, conversationId, variables: missing.join(', '), error }) // prettier-ignore
  }
  const empty = Object.fromEntries(missing.map((name) => [name, '']))
  return { ...answer, dynamic_variables: { ...empty, ...standIns, ...taken } }
}

/** From the calls of this process, then from what was written down, then by the number that was called. */
async function findCall(
  hints: CallHints,
  parts: Omit<Parameters<typeof elevenLabsRoutes>[0], 'registry'>,
): Promise<KnownCall | undefined> {
  const { context, bridged, records, tenants } = parts
  const { conversationId, calledNumber, callerNumber } = hints
  if (
    hints.tenantId !== undefined &&
    conversationId === undefined &&
    hints.callSid === undefined &&
    calledNumber === undefined
  ) {
    // About no call: the routes of a calendar, which name the tenant alone.
    const tenant = await parts.options?.scheduling?.tenant(hints.tenantId)
    return tenant && { tenantId: hints.tenantId }
  }
  const live = hints.callSid === undefined ? undefined : bridged.live.get(hints.callSid)
  if (live) {
    const { tenantId, callSid, direction, from, to } = live
    return { tenantId, callSid, remoteNumber: direction === 'outbound' ? to : from }
  }
  const known = conversationId === undefined ? undefined : await records.ofConversation(conversationId)
  // The tenant that a request names is only where to look: the record has to be there.
  const tenantId = known?.tenantId ?? hints.tenantId ?? tenants.defaultTenantId
  const callSid = known?.callSid ?? hints.callSid
  const found = callSid === undefined ? undefined : await context.store.findCall({ tenantId, callSid })
  if (found) return { tenantId, callSid: found.callSid, remoteNumber: remotePartyOf(found) }
  if (calledNumber === undefined) return undefined
  const tenant = await tenants.find(calledNumber)
  return 'problem' in tenant ? undefined : { tenantId: tenant.tenantId, callSid, remoteNumber: callerNumber }
}
