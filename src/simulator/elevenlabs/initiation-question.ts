/**
 * The question at the start of a native call, as ElevenLabs asks it and as older agents did.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/personalization (read 2026-11-21)
 * @module
 */

export interface InitiationQuestion {
  readonly url: string
  /** The secret headers that the agent's settings hold. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default `vendor`. */
  readonly shape?: 'vendor' | 'older'
  readonly agentId: string
  readonly callerId?: string
  readonly calledNumber?: string
  readonly callSid?: string
  readonly conversationId?: string
  /** Variables of the older shape. */
  readonly dynamicVariables?: Readonly<Record<string, unknown>>
}

/** What was answered. */
export interface InitiationReply {
  readonly status: number
  /** The body, as JSON where it is that. */
  readonly body: unknown
}

/** Asks. */
export async function askInitiation(question: InitiationQuestion): Promise<InitiationReply> {
  const { url, headers, shape = 'vendor', agentId, callerId, calledNumber, callSid, conversationId } = question
  const body =
    shape === 'vendor'
      ? { caller_id: callerId, agent_id: agentId, called_number: calledNumber, call_sid: callSid ?? '', conversation_id: conversationId }
      : {
          type: 'conversation_initiation_client_data',
          conversation_id: conversationId,
          agent_id: agentId,
          dynamic_variables: question.dynamicVariables ?? {},
        } // prettier-ignore
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'manual',
  })
  const text = await answer.text()
  try {
    return { status: answer.status, body: JSON.parse(text) as unknown }
  } catch {
    return { status: answer.status, body: text }
  }
}
