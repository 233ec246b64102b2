/**
 * Every message of Twilio ConversationRelay, both directions: schemas, and the types that come from them.
 *
 * Inbound schemas are open, for Twilio may add fields and names. Outbound ones are exact: a message that Twilio cannot read comes
 * back as an error (64107), and ten in a row end the session.
 *
 * @see https://www.twilio.com/docs/voice/conversationrelay/websocket-messages (read 2026-11-21)
 * @module
 */
import { z } from 'zod'
import { ProtocolError } from '../core/errors.js'
import { parseJson, parseWith } from '../core/parse.js'

const INVALID = 'conversation_relay_message_invalid'
const MAX_NAME_CHARS = 40

/** Older pages show numbers as text; both are taken. */
const milliseconds = z.union([z.string().regex(/^\d{1,12}(\.\d+)?$/), z.number().nonnegative()]).transform(Number)
/** What is not known is empty text, and may one day be absent. */
const known = z
  .string()
  .nullish()
  .transform((value) => value ?? '')

const setup = z.looseObject({
  type: z.literal('setup'),
  sessionId: z.string().min(1).max(64),
  callSid: z.string().min(1).max(64),
  accountSid: z.string(),
  parentCallSid: known,
  from: known,
  to: known,
  forwardedFrom: known,
  callerName: known,
  callType: known,
  /** `inbound` or `outbound-api`. */
  direction: known,
  /** In capitals, unlike everywhere else: `RINGING`, `IN_PROGRESS`. */
  callStatus: known,
  customParameters: z.record(z.string(), z.string()).nullish().transform((value) => value ?? {}),
}) // prettier-ignore
const prompt = z.looseObject({
  type: z.literal('prompt'),
  voicePrompt: z.string(),
  /** BCP-47; only the primary tag when the language is `multi`. */
  lang: z.string().optional(),
  /** `false` for a partial result, which replaces the one before it. */
  last: z.boolean().default(true),
})
const interrupt = z.looseObject({
  type: z.literal('interrupt'),
  utteranceUntilInterrupt: known,
  durationUntilInterruptMs: milliseconds.optional(),
})
const dtmf = z.looseObject({ type: z.literal('dtmf'), digit: z.string().regex(/^[0-9A-D*#]$/) })
const error = z.looseObject({ type: z.literal('error'), description: known })
const info = z.looseObject({
  type: z.literal('info'),
  name: z.string().max(100),
  /** Text, whatever it stands for. */
  value: z.union([z.string(), z.number(), z.boolean()]).transform(String).default(''),
})

const schemas = { setup, prompt, interrupt, dtmf, error, info }

/** A message from Twilio. */
export type InboundRelayMessage = z.infer<(typeof schemas)[keyof typeof schemas]>
export type InboundSetup = z.infer<typeof setup>

/** A message of a type that this version does not know. It is ignored. */
export interface UnknownRelayMessage {
  readonly type: 'unknown'
  readonly name: string
}

/** Reads one message from Twilio. @throws {@link ProtocolError} `conversation_relay_message_invalid`; it repeats no value. */
export function parseRelayMessage(text: string): InboundRelayMessage | UnknownRelayMessage {
  const value = parseJson(text, INVALID, 'A conversation relay message')
  const name = (value as { type?: unknown } | null)?.type
  if (typeof name !== 'string') throw new ProtocolError(INVALID, 'A conversation relay message has no type')
  if (!Object.hasOwn(schemas, name)) return { type: 'unknown', name: name.slice(0, MAX_NAME_CHARS) }
  const schema: z.ZodType<InboundRelayMessage> = schemas[name as keyof typeof schemas]
  return parseWith(schema, value, INVALID, `The conversation relay message "${name}"`)
}

/** Twilio's code in the free text of an `error` message, e.g. `64107`; `undefined` when there is none. */
export function codeOfRelayError(description: string): string | undefined {
  return /\b(?:code:?\s*)?((?:6[0-9]|3[0-9])\d{3})\b/.exec(description)?.[1]
}

const languageTag = z.string().regex(/^(multi|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)$/)

/** Exactly what Twilio documents, and nothing beside it. */
export const outboundRelayMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    token: z.string(),
    last: z.boolean().optional(),
    lang: languageTag.optional(),
    interruptible: z.boolean().optional(),
    preemptible: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('play'),
    source: z.url({ protocol: /^https?$/ }),
    /** Default 1; 0 is a thousand times. */
    loop: z.int().min(0).max(1000).optional(),
    interruptible: z.boolean().optional(),
    preemptible: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal('sendDigits'), digits: z.string().regex(/^[0-9w#*]+$/) }),
  z
    .strictObject({
      type: z.literal('language'),
      ttsLanguage: languageTag.optional(),
      transcriptionLanguage: languageTag.optional(),
    })
    .refine((value) => value.ttsLanguage !== undefined || value.transcriptionLanguage !== undefined),
  z.strictObject({ type: z.literal('end'), handoffData: z.string().optional() }),
])

/** A message to Twilio. */
export type OutboundRelayMessage = z.infer<typeof outboundRelayMessageSchema>
/** Text for the caller. */
export type OutboundText = Extract<OutboundRelayMessage, { type: 'text' }>

/**
 * Writes one message to Twilio.
 *
 * @throws TypeError for what Twilio would refuse with 64107; the message names the field and not what stood there.
 */
export function encodeRelayMessage(message: OutboundRelayMessage): string {
  const result = outboundRelayMessageSchema.safeParse(message)
  if (result.success) return JSON.stringify(result.data)
  const [issue] = result.error.issues
  const where = issue?.path.join('.') || 'a field'
  throw new TypeError(`Twilio would refuse the message "${message.type}": ${where} (${issue?.code ?? 'invalid'})`)
}

/** What may stand beside a token, written out and ready: the languages and flags of a reply do not change with each token. */
export type TextTail = string & { readonly textTail: unique symbol }

/** Writes what stands behind the token of a `text` message. @throws TypeError as {@link encodeRelayMessage}. */
export function encodeTextTail(fields: Omit<OutboundText, 'type' | 'token'>): TextTail {
  const whole = encodeRelayMessage({ type: 'text', token: '', ...fields })
  return whole.slice('{"type":"text","token":""'.length) as TextTail
}

/** Writes a `text` message around a ready tail: once a token, so nothing is checked that cannot be wrong. */
export function encodeToken(token: string, tail: TextTail): string {
  return `{"type":"text","token":${JSON.stringify(token)}${tail}`
}
