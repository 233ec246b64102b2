/**
 * Hears on every call that somebody does not want to be called, and writes it down before anything else is done.
 *
 * @module
 */
import { OptOutBlockList } from '../compliance/opt-out/block-list.js'
import { detectOptOut, type OptOutMatch } from '../compliance/opt-out/phrases.js'
import {
  OPT_OUT_CONFIRMATIONS,
  OPT_OUT_KEY,
  recordOptOut,
  retryOptOuts,
  type OptOutPorts,
} from '../compliance/opt-out/record.js'
import { VoiceError } from '../core/errors.js'
import { voiceEvent } from '../events/map.js'
import type { IncomingCall } from './answer-plan.js'
import type { LiveRelayCall } from './answer-ways.js'
import type { FrontContext, LiveCall, OptedOut } from './context.js'

/** How requests not to be called are heard. */
export interface OptOutOptions {
  /**
   * The key that asks for it, on calls that we placed. Default `'9'`; `'off'` where the opening of a call names another way, since the law asks
   * for one.
   */
  readonly key?: string
  /** Whether speech is listened to. Default `true`. What is heard ends a call that we placed; a caller's only tells the agent. */
  readonly speech?: boolean
  /**
   * What a person is told before the call that we placed ends, by language: `es`, or `es-MX` where regions differ. Default: English and Spanish,
   * `OPT_OUT_CONFIRMATIONS` of `callweave/compliance`; what is given here comes before it. The language is the one in which they asked, else the
   * call's: that of its relay, or the one its agent was set to. English where there is none, or no sentence for it.
   */
  readonly confirmations?: Readonly<Record<string, string>>
  /** What they are told instead while the store did not take it, by language. Default: thanks and goodbye, in English and Spanish. */
  readonly closings?: Readonly<Record<string, string>>
}

/** Whose request it is. */
export interface OptOutCall {
  readonly tenantId: string
  readonly callSid: string
  /** The person's number, E.164. `undefined`, or anything else: it is withheld, and there is nothing to write. */
  readonly phoneNumber: string | undefined
  readonly leadId?: string | null
}

export interface OptOutsOptions {
  readonly context: FrontContext
  readonly options: OptOutOptions
  /** Says something on a call and ends it. */
  readonly sayAndHangUp: (callSid: string, text: string, how: { readonly language?: string }) => Promise<unknown>
}

/** Calls in which somebody opted out, as far as this process remembers them. */
const MAX_REMEMBERED = 10_000

const E164 = /^\+[1-9]\d{1,14}$/
const CLOSINGS = { en: 'Thank you for your time. Goodbye.', es: 'Gracias por su tiempo. Adiós.' }
/** A language without a region, as `<Say>` wants it. */
const SPOKEN_AS: Readonly<Record<string, string>> = { es: 'es-US' }

/** Requests not to be called. */
export class OptOuts {
  /** What the store does not have yet. Stands in front of every decision. */
  readonly blockList = new OptOutBlockList()
  readonly #options: OptOutsOptions
  readonly #key: string
  readonly #ports: OptOutPorts
  /** One call has one request: a webhook that comes twice, or a word that the agent's tool reports too, is the same. */
  readonly #recorded = new Map<string, Promise<boolean>>()

  /** @throws TypeError for a key that no telephone has. */
  constructor(options: OptOutsOptions) {
    const { key = OPT_OUT_KEY } = options.options
    if (!/^([0-9*#]|off)$/.test(key)) throw new TypeError("optOut.key must be one key, or 'off'")
    this.#options = options
    this.#key = key
    const { store } = options.context
    this.#ports = {
      blockList: this.blockList,
      store: {
        addDoNotCall: (entry) => store.addDoNotCall(entry),
        revokeConsent: (revocation) => {
          const { revocationId, channel, callSid, phoneNumber } = revocation
          const leadId = this.blockList.entryOf(revocation)?.leadId ?? null
          const told = voiceEvent('opt-out.recorded', {
            revocationId,
            channel,
            ...(callSid === null ? {} : { callSid }),
            ...(leadId === null ? {} : { leadId }),
            phoneNumber,
          })
          return store.revokeConsent(revocation, [told])
        },
      },
    }
  }

  /** Whether this key asks for it, in a menu as well. */
  isKey(digit: string): boolean {
    return digit === this.#key
  }

  /**
   * Writes it down.
   *
   * @returns Whether it is stored. Only then may the person be told so; if not, this process refuses the number and tries again.
   */
  async record(call: OptOutCall, channel: OptedOut['channel'], note?: string): Promise<boolean> {
    const { tenantId, callSid, phoneNumber } = call
    if (phoneNumber === undefined || !E164.test(phoneNumber)) {
      this.#options.context.logger.warn('Somebody without a number opted out', { callSid, channel })
      return false
    }
    const key = JSON.stringify([tenantId, callSid, phoneNumber])
    const recording = this.#recorded.get(key) ?? this.#record({ ...call, phoneNumber }, channel, note)
    this.#recorded.set(key, recording)
    for (const oldest of this.#recorded.keys()) {
      if (this.#recorded.size <= MAX_REMEMBERED) break
      this.#recorded.delete(oldest)
    }
    const isStored = await recording.catch((error: unknown) => {
      this.#recorded.delete(key)
      throw error
    })
    if (!isStored) this.#recorded.delete(key)
    return isStored
  }

  async #record(
    call: OptOutCall & { readonly phoneNumber: string },
    channel: OptedOut['channel'],
    note: string | undefined,
  ): Promise<boolean> {
    const { context } = this.#options
    const { tenantId, callSid, phoneNumber, leadId = null } = call
    const optOut = { tenantId, phoneNumber, channel, requestedAt: Math.floor(context.clock.now()), callSid, leadId, note: note ?? null } // prettier-ignore
    let isStored = true
    try {
      await recordOptOut(optOut, this.#ports)
    } catch (error) {
      if (!(error instanceof VoiceError)) throw error
      isStored = false
      context.logger.error('An opt-out could not be stored yet', { callSid, tenantId, code: error.code })
    }
    context.tell('optedOut', { tenantId, callSid, channel, isStored })
    return isStored
  }

  /** Tries again what the store did not take. */
  async retry(): Promise<void> {
    if (this.blockList.pending.length > 0) await retryOptOuts(this.#ports)
  }

  /** Listens to a bridged call. */
  follow(call: LiveCall): void {
    const tellAgent = (text: string): void => void call.bridge.conversation?.sendContextualUpdate(text)
    const hear = this.#listener(call, tellAgent, () => call.language)
    call.bridge.on('digit', (digit) => hear.key(digit))
    call.bridge.on('callerTurn', ({ text }) => hear.speech(text))
  }

  /** Listens to a relay session. */
  followRelay(call: LiveRelayCall): void {
    const tellAgent = (text: string): void => void call.bridge?.conversation?.sendContextualUpdate(text)
    const hear = this.#listener(call, tellAgent, () => call.session.language)
    call.session.on('digit', (digit) => hear.key(digit))
    call.session.on('callerTurn', ({ text }) => hear.speech(text))
  }

  #listener(call: IncomingCall, tellAgent: (text: string) => void, languageOfCall: () => string | undefined) {
    const { context, options } = this.#options
    const { callSid, tenantId, direction, from, to, request } = call
    let isHeard = false
    const heard = (channel: 'keypress' | 'speech', match?: OptOutMatch): void => {
      if (isHeard) return
      isHeard = true
      const who = { tenantId, callSid, phoneNumber: direction === 'outbound' ? to : from, leadId: request?.leadId ?? null } // prettier-ignore
      this.record(who, channel, match?.ruleId)
        .then(async (isStored) => {
          if (direction === 'outbound') {
            const { confirmations, closings } = options
            const sentences = isStored ? { ...OPT_OUT_CONFIRMATIONS, ...confirmations } : { ...CLOSINGS, ...closings }
            const { text, ...how } = sentenceIn(sentences, languageOf(match?.language, languageOfCall()))
            await this.#options.sayAndHangUp(callSid, text, how)
          } else if (isStored) tellAgent('The caller asked not to be called again. It is on record: confirm it, and do not argue.') // prettier-ignore
        })
        .catch((error: unknown) => context.logger.error('An opt-out could not be finished', { callSid, error }))
    }
    return {
      key: (digit: string): void => {
        if (direction === 'outbound' && this.isKey(digit)) heard('keypress')
      },
      speech: (text: string): void => {
        if (options.speech === false) return
        const match = detectOptOut(text)
        if (match) heard('speech', match)
      },
    }
  }
}

const baseOf = (language: string): string => language.split('-', 1)[0]?.toLowerCase() ?? ''

/** The language in which it was asked for, in the region of the call where that speaks it too. */
function languageOf(asked: string | undefined, ofCall: string | undefined): string {
  if (asked === undefined) return ofCall || 'en'
  return ofCall !== undefined && baseOf(ofCall) === asked ? ofCall : asked
}

/** The sentence in a language, else in English, and how it is spoken. */
function sentenceIn(
  sentences: Readonly<Record<string, string>>,
  language: string,
): { readonly text: string; readonly language?: string } {
  const base = baseOf(language)
  const found = [language, base].find((name) => Object.hasOwn(sentences, name))
  if (found === undefined) return { text: sentences['en'] ?? OPT_OUT_CONFIRMATIONS.en }
  const spokenAs = language.includes('-') ? language : SPOKEN_AS[base]
  return { text: sentences[found] ?? '', ...(spokenAs === undefined ? {} : { language: spokenAs }) }
}
