/**
 * Changes calls under way: transfers, menus, keys, words for the agent, ends. All of it may be asked for twice, and of a call that is over.
 *
 * @module
 */
import type { Via } from '../calls/plan.js'
import type { CallUpdate } from '../calls/telephone.js'
import { twimlResponse, type HostResponse } from '../middleware/host-request.js'
import type { ProvenRequest } from '../middleware/webhook-handler.js'
import { hangup } from '../twiml/call-control.js'
import { client, dial, number, sip } from '../twiml/dial.js'
import { gather } from '../twiml/gather.js'
import { inboundProblemResponse, menuResponse, type PresetTexts } from '../twiml/presets.js'
import { response } from '../twiml/response.js'
import { say } from '../twiml/speech.js'
import type { AnswerWays, LiveRelayCall } from './answer-ways.js'
import type { BridgedCalls } from './bridged-calls.js'
import { within, type FrontContext, type LiveCall } from './context.js'

/** What can be done with a call, by the way in which it is connected. */
export interface CallAbilities {
  readonly transfer: boolean
  readonly menu: boolean
  readonly say: boolean
  readonly hangUp: boolean
  /** A relay session presses keys; a media stream has no message for it. */
  readonly sendDigits: boolean
  /** There is an agent of ours to tell. */
  readonly contextualUpdate: boolean
  /** It is known here when what is being said was heard. */
  readonly hangUpAfterPlayback: boolean
}

/** Where to, and what if nobody is there. */
export interface TransferOptions {
  /** A number in E.164, or an address that begins with `sip:` or `client:`. */
  readonly to: string
  /**
   * `'cold'` (default): whoever answers is joined at once. `'warm'`: they first hear {@link whisper} and are joined once they press a key, so that no
   * mailbox takes the caller.
   */
  readonly mode?: 'cold' | 'warm'
  /** What whoever answers hears first, on a warm transfer; 400 characters at most. Default: that there is a call. */
  readonly whisper?: string
  /** What the caller hears before it rings. Default: nothing. */
  readonly announcement?: string
  /** How long it may ring, in seconds. Default 25. */
  readonly ringSeconds?: number
  /** The number that is shown. Default: ours, on this call. */
  readonly callerId?: string
  /** Whether what is being said is heard out first. Default `true`. */
  readonly afterSpeech?: boolean
  /** Default `'agent'`: the agent takes the call back, and is told so in the variable `transfer_status`. `'say'`: a sentence, and the end. */
  readonly whenNobodyAnswers?: 'agent' | 'say'
}

/** What became of a change. */
export type CallChange = 'done' | 'already-over' | 'not-possible'

/** One call under way. */
export interface CallControl {
  readonly callSid: string
  /** `undefined`: nothing of it is in this process. It can be changed over REST all the same. */
  readonly via: Via | undefined
  readonly can: CallAbilities
  /** Passes the caller on, once what is being said was heard. */
  transfer(options: TransferOptions): Promise<CallChange>
  /** Puts the caller to the menu by keypad, once what is being said was heard. */
  menu(): Promise<CallChange>
  /** Says a sentence, in the middle of whatever is being said, and hangs up. `language` as `<Say>` takes it, e.g. `es-MX`; default: the account's. */
  sayAndHangUp(text: string, how?: { readonly language?: string }): Promise<CallChange>
  /** Presses keys: `0-9`, `*`, `#`, and `w` for half a second. */
  sendDigits(digits: string): CallChange
  /** Tells the agent something that is no turn of the caller's. */
  contextualUpdate(text: string): CallChange
  /** Hangs up once the last words were heard. Where that is not known, at once. */
  hangUpAfterPlayback(): Promise<CallChange>
  /** Hangs up now. */
  hangUp(): Promise<CallChange>
}

export interface CallControllerOptions {
  readonly context: FrontContext
  readonly bridged: BridgedCalls
  readonly ways: () => AnswerWays
  readonly texts: PresetTexts
  /** Answers a call anew. */
  readonly answerAgain: (request: ProvenRequest) => Promise<HostResponse>
}

/** Whom a call is between, and what it belongs to: needed to send it elsewhere. */
export interface CallOrigin {
  readonly tenantId: string
  readonly attemptId: string | undefined
  /** Our number on it. */
  readonly ourNumber: string | undefined
}

const E164 = /^\+[1-9]\d{1,14}$/
const SPEECH_TIMEOUT_MS = 30_000
/** What a relay session says is over by reckoning, and nothing tells of it: it is looked at so often, in milliseconds. */
const LOOK_EVERY_MS = 100
/** An agent that was told that its call ends may still say goodbye: so long is waited for it to begin, in milliseconds. */
const GOODBYE_GRACE_MS = 3000
const MAX_WHISPER_CHARS = 400
const DEFAULT_WHISPER = 'You have a call from our assistant. Press any key to accept it.'

/** Changes calls. */
export class CallController {
  readonly #options: CallControllerOptions

  constructor(options: CallControllerOptions) {
    this.#options = options
  }

  /** A handle on a call, whatever its state. */
  control(callSid: string, origin: CallOrigin): CallControl {
    const { bridged, ways } = this.#options
    const bridge = bridged.isTalking(callSid) ? bridged.live.get(callSid) : undefined
    const relay = bridge ? undefined : ways().find(callSid)
    const via = bridge ? 'bridge' : relay ? 'conversation-relay' : undefined
    const isOurs = via !== undefined
    const agent = (): { sendContextualUpdate(text: string): unknown } | undefined =>
      bridge?.bridge.conversation ?? relay?.bridge?.conversation
    return {
      callSid,
      via,
      can: {
        transfer: true,
        menu: true,
        say: true,
        hangUp: true,
        sendDigits: relay !== undefined,
        contextualUpdate: bridge !== undefined || relay?.bridge !== undefined,
        hangUpAfterPlayback: isOurs,
      },
      transfer: async (options) => {
        const twiml = this.transferTwiml(options, origin)
        if (options.afterSpeech !== false) await this.#heard(bridge, relay)
        return this.#send(callSid, bridge, { twiml })
      },
      menu: async () => {
        await this.#heard(bridge, relay)
        return this.#send(callSid, bridge, { twiml: this.#menuTwiml(origin) })
      },
      sayAndHangUp: (text, how = {}) => this.#send(callSid, bridge, { twiml: response(say(text, how), hangup()).toString() }), // prettier-ignore
      sendDigits: (digits) => {
        if (!/^[0-9*#w]{1,64}$/i.test(digits)) throw new TypeError('digits must be 0-9, *, # and w, 64 at most')
        if (!relay) return isOurs ? 'not-possible' : 'already-over'
        relay.session.sendDigits(digits.toLowerCase())
        return 'done'
      },
      contextualUpdate: (text) => {
        const told = agent()
        if (!told) return isOurs ? 'not-possible' : 'already-over'
        told.sendContextualUpdate(text)
        return 'done'
      },
      hangUpAfterPlayback: async () => {
        if (bridge) {
          await this.#goodbye(bridge)
          bridge.bridge.close()
          return 'done'
        }
        if (relay) {
          relay.session.end()
          return 'done'
        }
        return this.#send(callSid, undefined, { status: 'completed' })
      },
      hangUp: () => this.#send(callSid, bridge, { status: 'completed' }),
    }
  }

  /** The menu, as the document of a number. */
  showMenu({ query }: ProvenRequest): HostResponse {
    const attemptId = query.get('attempt') ?? undefined
    return twimlResponse(this.#menuTwiml({ tenantId: query.get('tenant') ?? undefined, attemptId }))
  }

  /** A transfer is over: the call too, if somebody was there. */
  async afterTransfer(request: ProvenRequest): Promise<HostResponse> {
    const { params, query } = request
    const { DialCallStatus: status = '', CallSid: callSid = '' } = params
    this.#options.context.logger.info(`Call ${callSid} transfer: ${status}`, { callSid, status })
    if (status === 'completed' || status === 'answered') return twimlResponse(response(hangup()).toString())
    if (query.get('otherwise') === 'agent') return this.#options.answerAgain(request)
    return twimlResponse(inboundProblemResponse('connectionError', { texts: this.#options.texts }).toString())
  }

  /** What whoever is called hears before they are joined. With a key they accept; without one, the caller is not theirs. */
  whisper({ params, query }: ProvenRequest): HostResponse {
    if (params.Digits !== undefined && params.Digits !== '') return twimlResponse(response().toString())
    const text = query.get('text') ?? DEFAULT_WHISPER
    const action = this.#options.context.urls.of('transferWhisper')
    return twimlResponse(response(gather({ action, numDigits: 1, timeout: 10, finishOnKey: '' }, say(text)), hangup()).toString()) // prettier-ignore
  }

  /** Changes a call over REST, as its `updateCall` would; should it talk here, its agent does not take the end for a hang-up. */
  async updateCall(callSid: string, update: CallUpdate): Promise<'updated' | 'already-over'> {
    const { bridged } = this.#options
    const live = bridged.isTalking(callSid) ? bridged.live.get(callSid) : undefined
    return (await this.#send(callSid, live, update)) === 'done' ? 'updated' : 'already-over'
  }

  /** Sends a call elsewhere over REST. That its stream stops is then no hang-up. */
  async #send(callSid: string, live: LiveCall | undefined, update: CallUpdate): Promise<CallChange> {
    const takeBack = live?.bridge.expectEnd('status' in update ? 'closed' : 'handed-off')
    try {
      const outcome = await this.#options.context.telephone.updateCall(callSid, update)
      if (outcome === 'already-over') live?.bridge.close('caller-hung-up')
      return outcome === 'updated' ? 'done' : 'already-over'
    } catch (error) {
      takeBack?.()
      throw error
    }
  }

  /** Waits until what is being said was heard, or the call is over. */
  async #heard(call: LiveCall | undefined, relay: LiveRelayCall | undefined): Promise<void> {
    await call?.bridge.playback.drained(SPEECH_TIMEOUT_MS)
    if (!relay) return
    const { clock } = this.#options.context
    const untilMs = clock.monotonicMs() + SPEECH_TIMEOUT_MS
    const { session } = relay
    while (session.isSpeaking && session.state !== 'ended' && clock.monotonicMs() < untilMs) {
      await within(clock, LOOK_EVERY_MS, session.ended)
    }
  }

  /** Waits until the agent has taken leave, whether it does so before its tool or after. */
  async #goodbye({ bridge }: LiveCall): Promise<void> {
    const { clock } = this.#options.context
    let timer
    await new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, GOODBYE_GRACE_MS)
      bridge.once('agentTurnStarted', () => resolve())
      void bridge.ended.then(() => resolve())
    })
    clock.clear(timer)
    await bridge.playback.drained(SPEECH_TIMEOUT_MS)
  }

  #menuTwiml({ tenantId, attemptId }: { tenantId: string | undefined; attemptId: string | undefined }): string {
    const { context, texts } = this.#options
    const action = context.urls.of('gather', { tenant: tenantId, attempt: attemptId })
    return menuResponse({ action, texts }).toString()
  }

  /** The document that passes a caller on. @throws TypeError or RangeError for what cannot be dialled. */
  transferTwiml(options: TransferOptions, { tenantId, attemptId, ourNumber }: CallOrigin): string {
    const { to, mode = 'cold', whisper, announcement, ringSeconds = 25, whenNobodyAnswers = 'agent' } = options
    const { urls } = this.#options.context
    if (!(ringSeconds >= 5 && ringSeconds <= 600))
      throw new RangeError(`ringSeconds must be 5 to 600, got ${ringSeconds}`)
    if ((whisper?.length ?? 0) > MAX_WHISPER_CHARS) throw new RangeError(`whisper has more than ${MAX_WHISPER_CHARS} characters`) // prettier-ignore
    const screen = mode === 'warm' ? { url: urls.of('transferWhisper', { text: whisper }) } : {}
    const callerId = options.callerId ?? ourNumber
    const target = to.startsWith('sip:')
      ? sip(to, screen)
      : to.startsWith('client:')
        ? client(to.slice('client:'.length), screen)
        : E164.test(to)
          ? number(to, screen)
          : undefined
    if (!target) throw new TypeError('to must be an E.164 number, or an address that begins with sip: or client:')
    const dialled = dial(
      {
        action: urls.of('transferEnded', { tenant: tenantId, attempt: attemptId, otherwise: whenNobodyAnswers }),
        timeout: ringSeconds,
        answerOnBridge: true,
        ...(callerId !== undefined && E164.test(callerId) ? { callerId } : {}),
      },
      target,
    )
    return (announcement === undefined ? response(dialled) : response(say(announcement), dialled)).toString()
  }
}
