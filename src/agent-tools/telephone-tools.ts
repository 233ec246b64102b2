/**
 * What the agent may do with the call itself: transfer, hang up, send digits, never call again, leave a note, call back.
 *
 * @module
 */
import { z } from 'zod'
import { defineTool, refuse, type AgentTool, type AgentToolContext } from './tool.js'

/** What a telephone tool needs done. Each gets the context of the request; a member that is absent leaves its tool out. */
export interface TelephoneActions {
  /** Passes the caller on. `destination` is a name of {@link TelephoneToolsOptions.destinations}, never a number that the model wrote. */
  transfer?(context: AgentToolContext, destination: string): Promise<'transferred' | 'nobody-available'>
  /** Ends the call once what the agent is saying has been heard. */
  hangUpAfterPlayback?(context: AgentToolContext): Promise<void>
  /** Sends keypad tones, e.g. through somebody else’s menu. `false` when this way of connecting cannot. */
  sendDigits?(context: AgentToolContext, digits: string): Promise<boolean>
  /**
   * Writes that this person must never be called again, and resolves only when it is written: until then the agent is not told
   * that it was done.
   */
  optOut?(context: AgentToolContext, reason: string | undefined): Promise<void>
  leaveNote?(context: AgentToolContext, note: string): Promise<void>
  /** Puts a call on the list, at the moment or, where the law forbids that moment, at the next one that is allowed. */
  scheduleCallback?(
    context: AgentToolContext,
    wanted: { readonly when: string | undefined; readonly note: string | undefined },
  ): Promise<{ readonly scheduledFor: string } | { readonly refused: string }>
}

export interface TelephoneToolsOptions {
  readonly actions: TelephoneActions
  /** Where the agent may transfer to, by name, with a sentence about when. The model chooses a name. */
  readonly destinations?: Readonly<Record<string, string>>
}

/** The telephone tools for which there is an action. */
export function telephoneTools({ actions, destinations = {} }: TelephoneToolsOptions): AgentTool[] {
  const tools: AgentTool[] = []
  const names = Object.keys(destinations)
  const transfer = actions.transfer?.bind(actions)
  if (transfer && names.length > 0) {
    const choices = names.map((name) => `${name}: ${destinations[name] ?? ''}`).join('; ')
    tools.push(
      defineTool({
        name: 'transfer_call',
        description: `Transfer the caller to a person. ${choices}`,
        once: true,
        timeoutMs: 60_000,
        parameters: z.object({ destination: z.enum(names as [string, ...string[]]).describe('Whom to transfer to') }),
        handler: async ({ destination }, context) =>
          (await transfer(context, destination)) === 'transferred'
            ? { message: 'The caller is being transferred.' }
            : refuse('NOBODY_AVAILABLE', 'Nobody is free right now. Shall we call you back?'),
      }),
    )
  }
  const hangUp = actions.hangUpAfterPlayback?.bind(actions)
  if (hangUp) {
    tools.push(
      defineTool({
        name: 'hang_up',
        description: 'End the call, after saying goodbye',
        handler: async (_none, context) => {
          await hangUp(context)
          return { message: 'The call ends once your last words are heard.' }
        },
      }),
    )
  }
  const sendDigits = actions.sendDigits?.bind(actions)
  if (sendDigits) {
    tools.push(
      defineTool({
        name: 'send_digits',
        description: 'Press keys on the telephone, for example in a menu',
        parameters: z.object({
          digits: z
            .string()
            .regex(/^[0-9*#wW]{1,32}$/, 'must be 1 to 32 of 0-9, *, #, w and W')
            .describe('Keys to press: 0-9, * and #; w waits half a second'),
        }),
        handler: async ({ digits }, context) =>
          (await sendDigits(context, digits))
            ? { message: 'The keys were pressed.' }
            : refuse('NOT_POSSIBLE', 'Keys cannot be pressed on this call.'),
      }),
    )
  }
  const optOut = actions.optOut?.bind(actions)
  if (optOut) {
    tools.push(
      defineTool({
        name: 'opt_out',
        description:
          'Put the caller on the do-not-call list. Call it at once when somebody does not want to be called again',
        once: true,
        parameters: z.object({ reason: z.string().max(500).optional().describe('What the caller said') }),
        handler: async ({ reason }, context) => {
          await optOut(context, reason)
          return { message: 'You have been removed from our call list. Thank you.' }
        },
      }),
    )
  }
  const leaveNote = actions.leaveNote?.bind(actions)
  if (leaveNote) {
    tools.push(
      defineTool({
        name: 'leave_note',
        description: 'Write something down for the people at the office',
        once: true,
        parameters: z.object({ note: z.string().min(1).max(2000).describe('What should be known') }),
        handler: async ({ note }, context) => {
          await leaveNote(context, note)
          return { message: 'I have written that down.' }
        },
      }),
    )
  }
  const scheduleCallback = actions.scheduleCallback?.bind(actions)
  if (scheduleCallback) {
    tools.push(
      defineTool({
        name: 'schedule_callback',
        description: 'Arrange that the caller is called back',
        once: true,
        parameters: z.object({
          when: z.string().optional().describe('When, in ISO 8601; leave it out for as soon as possible'),
          note: z.string().max(2000).optional().describe('What it is about'),
        }),
        handler: async ({ when, note }, context) => {
          const result = await scheduleCallback(context, { when, note })
          if ('refused' in result) return refuse('NOT_ALLOWED', result.refused)
          return { scheduledFor: result.scheduledFor, message: 'We will call you back.' }
        },
      }),
    )
  }
  return tools
}
