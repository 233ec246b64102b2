/**
 * The agent's telephone tools, wired to the calls of this process.
 *
 * @module
 */
import { telephoneTools, type TelephoneActions } from '../agent-tools/telephone-tools.js'
import type { AgentTool, AgentToolContext } from '../agent-tools/tool.js'
import type { CallControl, TransferOptions } from './call-control.js'
import type { OptOuts } from './opt-outs.js'

/** Somewhere to transfer to. */
export interface Destination extends TransferOptions {
  /** When the agent should choose it, in a sentence. */
  readonly when: string
}

export interface CallToolsOptions extends Pick<TelephoneActions, 'leaveNote' | 'scheduleCallback'> {
  /** Where the agent may transfer to, by name. The model chooses a name and never sees a number. Default: nowhere, and no such tool. */
  readonly destinations?: Readonly<Record<string, Destination>>
}

/** Makes the tools. */
export function callTools(
  options: CallToolsOptions,
  parts: {
    readonly live: (callSid: string, tenantId: string) => CallControl
    readonly optOuts: Pick<OptOuts, 'record'>
  },
): AgentTool[] {
  const { destinations = {}, leaveNote, scheduleCallback } = options
  const controlOf = ({ call, tenantId }: AgentToolContext): CallControl | undefined =>
    call.callSid === undefined ? undefined : parts.live(call.callSid, tenantId)
  const actions: TelephoneActions = {
    transfer: async (context, name) => {
      const destination = destinations[name]
      const call = controlOf(context)
      if (!destination || !call) return 'nobody-available'
      return (await call.transfer(destination)) === 'done' ? 'transferred' : 'nobody-available'
    },
    hangUpAfterPlayback: (context) => {
      // The agent is answered first, so that it can still say goodbye.
      controlOf(context)
        ?.hangUpAfterPlayback()
        .catch(() => undefined)
      return Promise.resolve()
    },
    sendDigits: (context, digits) => Promise.resolve(controlOf(context)?.sendDigits(digits) === 'done'),
    optOut: async ({ call, tenantId }, reason) => {
      const who = { tenantId, callSid: call.callSid ?? '', phoneNumber: call.remoteNumber }
      const isStored = await parts.optOuts.record(
        who,
        'agent-tool',
        reason === undefined ? undefined : 'told the agent',
      )
      if (!isStored) throw new Error('the opt-out is not stored yet')
    },
    ...(leaveNote ? { leaveNote } : {}),
    ...(scheduleCallback ? { scheduleCallback } : {}),
  }
  const when = Object.fromEntries(Object.entries(destinations).map(([name, { when }]) => [name, when]))
  return telephoneTools({ actions, destinations: when })
}
