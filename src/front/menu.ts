/**
 * The menu by keypad, and what its keys do: call back, transfer, never again.
 *
 * @module
 */
import { remoteParty } from '../compliance/opt-out/remote-party.js'
import { voiceEvent } from '../events/map.js'
import { twimlResponse, type HostResponse } from '../middleware/host-request.js'
import type { ProvenRequest } from '../middleware/webhook-handler.js'
import { hangup } from '../twiml/call-control.js'
import { response } from '../twiml/response.js'
import { say } from '../twiml/speech.js'
import type { CallController, TransferOptions } from './call-control.js'
import type { FrontContext } from './context.js'
import type { OptOuts } from './opt-outs.js'

/** What a key does. */
export type MenuKey =
  | { readonly action: 'call-back'; readonly reason: string; readonly text?: string }
  | { readonly action: 'transfer'; readonly transfer: TransferOptions; readonly text?: string }
  | { readonly action: 'opt-out'; readonly text?: string }
  | { readonly action: 'say'; readonly text: string }

/** A menu. Its text is `texts.menu`. */
export interface MenuOptions {
  /**
   * What each key does. Default: 1 asks for a call back about a viewing, 2 says that nobody is free and asks for a call back, 3 opts out. The key of
   * `optOut.key` opts out as well, unless it is given here.
   */
  readonly keys?: Readonly<Record<string, MenuKey>>
}

const TEXTS = {
  viewing: 'Thank you for your interest. An agent will contact you shortly to schedule a viewing.',
  transfer: 'Connecting you to an agent now.',
  nobody: 'All of our agents are busy. An agent will call you back shortly.',
  optOut: 'You have been removed from our call list. Thank you.',
  optOutFailed: 'We are sorry, something went wrong. Please tell us again, or write to us. Goodbye.',
  invalid: 'Invalid selection. Goodbye.',
} as const

const DEFAULT_KEYS: Readonly<Record<string, MenuKey>> = {
  '1': { action: 'call-back', reason: 'viewing', text: TEXTS.viewing },
  '2': { action: 'call-back', reason: 'agent', text: TEXTS.nobody },
  '3': { action: 'opt-out' },
}

/** Takes the keys of the menu. */
export class Menu {
  readonly #context: FrontContext
  readonly #controller: CallController
  readonly #optOuts: OptOuts
  readonly #keys: Readonly<Record<string, MenuKey>>
  readonly #defaultTenantId: string

  constructor(options: {
    readonly context: FrontContext
    readonly controller: CallController
    readonly optOuts: OptOuts
    readonly menu: MenuOptions
    readonly defaultTenantId: string
  }) {
    this.#context = options.context
    this.#controller = options.controller
    this.#optOuts = options.optOuts
    this.#keys = options.menu.keys ?? DEFAULT_KEYS
    this.#defaultTenantId = options.defaultTenantId
  }

  /** A key was pressed. */
  async choose({ params, query }: ProvenRequest): Promise<HostResponse> {
    const { CallSid: callSid = '', Digits: digit = '', Direction: direction = 'inbound', From: from = '', To: to = '' } = params // prettier-ignore
    const attemptId = query.get('attempt') ?? undefined
    const tenantId = query.get('tenant') ?? this.#defaultTenantId
    const isOptOut = this.#optOuts.isKey(digit)
    const key = Object.hasOwn(this.#keys, digit) ? this.#keys[digit] : isOptOut ? OPT_OUT : undefined
    // On a call that we placed the person is the one who was called.
    const phoneNumber = remoteParty({ direction, from, to })
    switch (key?.action) {
      case undefined:
        return spoken(TEXTS.invalid)
      case 'say':
        return spoken(key.text)
      case 'opt-out': {
        const isStored = await this.#optOuts.record({ tenantId, callSid, phoneNumber }, 'keypress', 'menu')
        return spoken(isStored ? (key.text ?? TEXTS.optOut) : TEXTS.optOutFailed)
      }
      case 'call-back': {
        const { reason, text = TEXTS.viewing } = key
        await this.#requestCallback(tenantId, callSid, phoneNumber, reason)
        return spoken(text)
      }
      case 'transfer': {
        const ourNumber = direction === 'inbound' ? to : from
        const transfer = { announcement: key.text ?? TEXTS.transfer, ...key.transfer }
        return twimlResponse(this.#controller.transferTwiml(transfer, { tenantId, attemptId, ourNumber }))
      }
    }
  }

  async #requestCallback(
    tenantId: string,
    callSid: string,
    phoneNumber: string | undefined,
    reason: string,
  ): Promise<void> {
    const { store, logger, tell } = this.#context
    const events = [voiceEvent('call.callback-requested', { callSid, reason })]
    await store
      .updateCall({ tenantId, callSid, changes: {}, events })
      .catch((error: unknown) => logger.error('A wish to be called back could not be kept', { callSid, tenantId, error })) // prettier-ignore
    tell('callbackRequested', { tenantId, callSid, phoneNumber, reason })
  }
}

const OPT_OUT: MenuKey = { action: 'opt-out' }

function spoken(text: string): HostResponse {
  return twimlResponse(response(say(text), hangup()).toString())
}
