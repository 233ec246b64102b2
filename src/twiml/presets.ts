/**
 * Whole documents for common moments of a call. Every text is a default that you can replace.
 *
 * @module
 */
import { hangup } from './call-control.js'
import { connect } from './connect.js'
import { gather } from './gather.js'
import type { Parameters } from './parameters.js'
import { response, type TwimlDocument } from './response.js'
import { pause, say, type SayAttributes } from './speech.js'
import { stream } from './stream.js'

/** What the presets say, unless told otherwise. */
export const PRESET_TEXTS = {
  leadIn: 'Please wait while we connect your call.',
  closing: 'Thank you for your time. Goodbye.',
  menu: 'Press 1 to schedule a property viewing. Press 2 to speak with an agent. Press 3 to be removed from our list.',
  noInput: "We didn't receive any input. Goodbye.",
  technicalDifficulty: 'Technical difficulties. Please try again later.',
  busy: 'Service is busy. Please call back in a few minutes.',
  misconfigured: 'Configuration error. Please contact support.',
  tenantNotFound: 'This number is not in service.',
  agentNotConfigured: 'Our AI assistant is temporarily unavailable.',
  agentIdMissing: 'Our AI assistant is not properly configured.',
  connectionError: 'We encountered an error. Please try again later.',
} as const

/** Texts of your own, some or all. */
export type PresetTexts = Readonly<Partial<Record<keyof typeof PRESET_TEXTS, string>>>

/** How a preset speaks. */
export interface PresetOptions {
  /** Texts of your own. Default: {@link PRESET_TEXTS}. */
  readonly texts?: PresetTexts
  /** Voice and language of all that is said. Default: the account's. */
  readonly say?: SayAttributes
}

export interface MediaStreamResponseOptions extends PresetOptions {
  /** `wss://…`, without a query string. */
  readonly url: string
  /** Whether something is said before the stream is connected. Default true. */
  readonly hasLeadIn?: boolean
  readonly parameters?: Parameters
  /** Asked for TwiML when the stream has ended. */
  readonly action?: string
}

/** Says that the call is being connected, and connects a media stream. */
export function mediaStreamResponse(options: MediaStreamResponseOptions): TwimlDocument {
  const { url, hasLeadIn = true, parameters = {}, action, ...preset } = options
  const connected = connect(action === undefined ? {} : { action }, stream({ url, parameters }))
  return hasLeadIn ? response(spoken('leadIn', preset), connected) : response(connected)
}

export interface MessageResponseOptions extends PresetOptions {
  /** Between the message and the closing words, in seconds. Default 2. */
  readonly pauseSeconds?: number
  /** How the message itself is said. Default: the voice `Polly.Matthew`. */
  readonly messageSay?: SayAttributes
}

/** Says a message, waits, and takes leave. */
export function messageResponse(message: string, options: MessageResponseOptions = {}): TwimlDocument {
  const { pauseSeconds = 2, messageSay = { voice: 'Polly.Matthew' } } = options
  return response(say(message, messageSay), pause({ length: pauseSeconds }), spoken('closing', options))
}

export interface MenuResponseOptions extends PresetOptions {
  /** Where the key that was pressed is sent. */
  readonly action: string
  /** Default 1. */
  readonly numDigits?: number
  /** Seconds. Default 10. */
  readonly timeout?: number
}

/** A menu by keypad, one of whose keys takes the caller off the list. */
export function menuResponse(options: MenuResponseOptions): TwimlDocument {
  const { action, numDigits = 1, timeout = 10 } = options
  return response(
    gather({ action, method: 'POST', numDigits, timeout }, spoken('menu', options)),
    spoken('noInput', options),
  )
}

/** Says that something is broken, and hangs up. */
export function technicalDifficultyResponse(options: PresetOptions = {}): TwimlDocument {
  return response(spoken('technicalDifficulty', options), hangup())
}

/** Says what an HTTP status of ElevenLabs means for the caller, and hangs up: 429 busy, 401 misconfigured, else technical difficulties. */
export function agentFailureResponse(status: number | undefined, options: PresetOptions = {}): TwimlDocument {
  const key = status === 429 ? 'busy' : status === 401 ? 'misconfigured' : 'technicalDifficulty'
  return response(spoken(key, options), hangup())
}

/** Why an inbound call cannot be served. */
export type InboundProblem = 'tenantNotFound' | 'agentNotConfigured' | 'agentIdMissing' | 'connectionError'

/** Says why an inbound call cannot be served, and hangs up. */
export function inboundProblemResponse(problem: InboundProblem, options: PresetOptions = {}): TwimlDocument {
  return response(spoken(problem, options), hangup())
}

function spoken(
  key: keyof typeof PRESET_TEXTS,
  { texts, say: attributes = {} }: PresetOptions,
): ReturnType<typeof say> {
  return say(texts?.[key] ?? PRESET_TEXTS[key], attributes)
}
