/**
 * The TwiML that connects a relay session.
 *
 * @module
 */
import { conversationRelay, type ConversationRelayAttributes } from '../twiml/connect-relay.js'
import { connect } from '../twiml/connect.js'
import { response } from '../twiml/response.js'

/** Attributes of `<ConversationRelay>`, but for the address, which is ours. */
export type RelayAttributes = Omit<ConversationRelayAttributes, 'url' | 'allowUnsafeUrl'>

/** Twilio then says who speaks and what was played: with it, what was heard is known exactly. */
const EVENTS = ['speaker-events', 'tokens-played']

/** Writes the document. @throws VoiceError or TypeError for attributes that Twilio would refuse. */
export function relayTwiml(options: {
  readonly url: string
  readonly action: string
  readonly token: string
  readonly attributes: RelayAttributes
}): string {
  const { url, action, token, attributes } = options
  const parameters = { ...attributes.parameters, token }
  const relay = conversationRelay({ events: EVENTS, ...attributes, url, parameters })
  return response(connect({ action }, relay)).toString()
}
