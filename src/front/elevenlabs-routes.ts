/**
 * What ElevenLabs sends over HTTP, joined to the calls of this process and to their records.
 *
 * @module
 */
import type { ToolRegistry } from '../agent-tools/registry.js'
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
  const tools = options.tools ?? registry
  return createElevenLabsHandler({
    ...options,
    auth,
    clock: context.clock,
    logger: context.logger,
    findCall: options.findCall ?? ((hints) => findCall(hints, parts)),
    ...(tools ? { tools } : {}),
    onEvent: async (received) => {
      const { event, call } = received
      if (event.type === 'post_call_transcription' && call?.callSid !== undefined) {
        await records.transcribed(event.data, { tenantId: call.tenantId, callSid: call.callSid })
      }
      await options.onEvent?.(received)
    },
  })
}

/** From the calls of this process, then from what was written down, then by the number that was called. */
async function findCall(
  hints: CallHints,
  parts: Pick<Parameters<typeof elevenLabsRoutes>[0], 'context' | 'bridged' | 'records' | 'tenants'>,
): Promise<KnownCall | undefined> {
  const { context, bridged, records, tenants } = parts
  const { conversationId, calledNumber, callerNumber } = hints
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
