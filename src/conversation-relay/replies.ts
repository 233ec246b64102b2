/**
 * The replies of one session: one at a time, aborted at once when the caller cuts in, helped out when they are slow, apologised
 * for when they fail.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import { VoiceError, type VoiceErrorCode } from '../core/errors.js'
import { partsOf, type InterruptedReply, type RelayBrain, type RelayCall, type RelayTurn, type ReplyPart } from './brain.js' // prettier-ignore
import type { RelayPhrases } from './phrases.js'
import { ReplyWriter, type ReplyPort } from './reply-writer.js'
import { spokenMs } from './speech-estimate.js'
import type { OpenRelayTurn, RelayTranscript } from './transcript.js'

/** The limits of replies; {@link ConversationRelaySessionOptions} says what each is for. */
export interface ReplyLimits {
  readonly fillerAfterMs: number
  readonly replyTimeoutMs: number
  readonly agentTurnTimeoutMs: number
  readonly maxReplyChars: number
  readonly maxAbandonedReplies: number
  readonly maxFailuresInARow: number
}

/** What replies need of their session. */
export interface ReplyHost extends Omit<ReplyPort, 'spoken'> {
  readonly clock: Clock
  readonly brain: RelayBrain
  readonly call: RelayCall
  readonly transcript: RelayTranscript
  readonly limits: ReplyLimits
  phrases(): RelayPhrases
  started(turn: OpenRelayTurn): void
  failed(turnId: string, error: VoiceError): void
  limited(turnId: string): void
}

interface Reply {
  /** What it answers; `undefined` for what is said unasked. */
  readonly turn: RelayTurn | undefined
  readonly parts: () => AsyncIterable<ReplyPart>
  readonly abort: AbortController
  readonly writer: ReplyWriter
  readonly startedMs: number
  iterator: AsyncIterator<ReplyPart> | undefined
  open: OpenRelayTurn | undefined
  lastPartMs: number
  firstTokenMs: number | undefined
  hasBegun: boolean
  hasParts: boolean
  isHelpedOut: boolean
}

/** Things to say unasked that wait; the oldest gives way. */
const MAX_WAITING = 16

/** Runs the replies of one session. */
export class Replies {
  readonly #host: ReplyHost
  readonly #waiting: Reply[] = []
  #current: Reply | undefined
  /** Replies that have not come back, aborted ones included. */
  #outstanding = 0
  #turns = 0
  #failuresInARow = 0
  #stalePieces = 0

  constructor(host: ReplyHost) {
    this.#host = host
  }

  /** Whether somebody is answering. */
  get isRunning(): boolean {
    return this.#current !== undefined
  }

  /** Pieces that came from a reply after it was aborted, and reached nobody. */
  get stalePieces(): number {
    return this.#stalePieces
  }

  /** The turn that is being answered and of which nothing was sent yet, and whether the brain has been given it. */
  get unanswered(): { readonly turn: RelayTurn; readonly hasBegun: boolean } | undefined {
    const reply = this.#current
    if (!reply?.turn || reply.firstTokenMs !== undefined) return undefined
    return { turn: reply.turn, hasBegun: reply.hasBegun }
  }

  /** Answers a turn. Whatever was being answered gives way. */
  answer(turn: RelayTurn): void {
    const { brain, call } = this.#host
    this.#current?.writer.finish() // what was sent of it is still spoken: Twilio must not take the next reply for its end
    this.#giveWay('another turn came')
    const reply: Reply = this.#make(turn, () => brain.respond(turn, { signal: reply.abort.signal, call }))
    this.#begin(reply)
  }

  /** Says something after what is being said. */
  speak(parts: () => AsyncIterable<ReplyPart>): void {
    const reply = this.#make(undefined, parts)
    if (!this.#current) {
      this.#begin(reply)
      return
    }
    this.#waiting.push(reply)
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
  }

  /** Says one sentence at once, as a turn of its own. */
  say(text: string): void {
    if (text === '') return
    const reply = this.#make(undefined, () => partsOf([]))
    reply.writer.write(text)
    this.#complete(reply)
  }

  /** The caller cut in: from here on nothing of what was being said reaches the wire. */
  interrupt(heard: string): InterruptedReply | undefined {
    const { transcript } = this.#host
    this.#giveWay('the caller cut in')
    const cut = transcript.interrupt(heard)
    const spoken = cut.findLast(({ heardText }) => heardText !== '') ?? cut[0]
    return spoken && { turnId: spoken.turnId, text: spoken.text, heardText: spoken.heardText }
  }

  /** The session is over, or about to be. */
  stop(): void {
    this.#current?.writer.finish()
    this.#giveWay('the session is over')
  }

  /** Looks at the limits. */
  tick(nowMs: number): void {
    const reply = this.#current
    if (!reply) return
    const { limits } = this.#host
    const { fillerAfterMs, replyTimeoutMs, agentTurnTimeoutMs } = limits
    if (nowMs - reply.lastPartMs >= replyTimeoutMs) {
      const message = reply.hasBegun
        ? `Nothing came for ${replyTimeoutMs} ms from what answers the caller`
        : `${this.#outstanding} aborted replies have not come back`
      this.#fail(reply, reply.hasBegun ? 'relay_brain_timeout' : 'relay_brain_busy', message)
    } else if (reply.firstTokenMs !== undefined && reply.hasParts) {
      const spentMs = Math.max(nowMs - reply.firstTokenMs, spokenMs(reply.writer.chars))
      if (spentMs >= agentTurnTimeoutMs) this.#cutShort(reply)
    } else if (reply.turn && !reply.isHelpedOut && nowMs - reply.startedMs >= fillerAfterMs) {
      reply.isHelpedOut = true
      const { filler } = this.#host.phrases()
      if (filler !== '') reply.writer.write(`${filler} `)
    }
  }

  #make(turn: RelayTurn | undefined, parts: Reply['parts']): Reply {
    const { clock, limits } = this.#host
    const nowMs = clock.monotonicMs()
    const reply: Reply = {
      turn,
      parts,
      abort: new AbortController(),
      writer: new ReplyWriter({ ...portOf(this.#host), spoken: (text) => this.#spoken(reply, text) }, limits.maxReplyChars), // prettier-ignore
      startedMs: nowMs,
      iterator: undefined,
      open: undefined,
      lastPartMs: nowMs,
      firstTokenMs: undefined,
      hasBegun: false,
      hasParts: false,
      isHelpedOut: false,
    }
    return reply
  }

  /** Begins a reply, or lets it wait while too many that were aborted have not come back. */
  #begin(reply: Reply): void {
    this.#current = reply
    reply.lastPartMs = this.#host.clock.monotonicMs()
    if (this.#outstanding >= this.#host.limits.maxAbandonedReplies) return
    reply.hasBegun = true
    this.#outstanding++
    void this.#run(reply).finally(() => {
      this.#outstanding--
      if (this.#current?.hasBegun === false) this.#begin(this.#current)
    })
  }

  /** Never rejects. */
  async #run(reply: Reply): Promise<void> {
    try {
      const iterator = (reply.iterator = reply.parts()[Symbol.asyncIterator]())
      while (reply === this.#current) {
        const next = await iterator.next()
        if (reply !== this.#current) {
          if (next.done !== true) this.#stalePieces++
          break
        }
        if (next.done === true) {
          this.#complete(reply)
          break
        }
        this.#take(reply, next.value)
      }
      letGo(iterator)
    } catch (error) {
      if (reply === this.#current)
        this.#fail(reply, 'relay_brain_failed', 'What answers the caller threw', { cause: error })
    }
  }

  #take(reply: Reply, part: ReplyPart): void {
    reply.lastPartMs = this.#host.clock.monotonicMs()
    reply.hasParts = true
    const outcome = reply.writer.write(part)
    if (outcome === 'written') return
    if (outcome === 'full') {
      const message = `A reply was longer than ${this.#host.limits.maxReplyChars} characters`
      this.#host.failed(this.#turnIdOf(reply), new VoiceError('relay_reply_too_long', message))
    }
    this.#complete(reply)
    reply.abort.abort(new VoiceError('http_aborted', 'The reply is over'))
  }

  /** Whatever of a reply comes from now on reaches nobody. */
  #giveWay(why: string): void {
    this.#waiting.length = 0
    const reply = this.#current
    if (!reply) return
    this.#current = undefined
    if (reply.open) reply.open.isComplete = true
    reply.abort.abort(new VoiceError('http_aborted', `The reply was aborted: ${why}`))
    if (reply.iterator) letGo(reply.iterator)
  }

  #complete(reply: Reply): void {
    reply.writer.finish()
    if (reply.open) reply.open.isComplete = true
    if (reply.hasParts) this.#failuresInARow = 0
    if (reply !== this.#current) return
    this.#current = undefined
    this.#beginNext()
  }

  #cutShort(reply: Reply): void {
    this.#host.limited(this.#turnIdOf(reply))
    this.#complete(reply)
    reply.abort.abort(new VoiceError('http_aborted', 'The reply took too long to say'))
    if (reply.iterator) letGo(reply.iterator)
  }

  #fail(reply: Reply, code: VoiceErrorCode, message: string, options: ErrorOptions = {}): void {
    this.#current = undefined
    const error = new VoiceError(code, message, options)
    reply.abort.abort(error)
    if (reply.iterator) letGo(reply.iterator)
    this.#sayApology(reply, error)
    this.#beginNext()
  }

  #beginNext(): void {
    const next = this.#current ? undefined : this.#waiting.shift()
    if (next) this.#begin(next)
  }

  /** The caller hears a sentence, not silence; after too many of them the call ends. */
  #sayApology(reply: Reply, error: VoiceError): void {
    const { limits } = this.#host
    const { apology, goodbye } = this.#host.phrases()
    const isLast = ++this.#failuresInARow >= limits.maxFailuresInARow
    const sentence = isLast ? goodbye : apology
    if (sentence !== '') reply.writer.write(reply.writer.chars > 0 ? ` ${sentence}` : sentence)
    reply.writer.finish()
    if (reply.open) reply.open.isComplete = true
    this.#host.failed(this.#turnIdOf(reply), error)
    if (isLast) this.#host.end({ reasonCode: 'brain-failed' })
  }

  #spoken(reply: Reply, text: string): void {
    const { clock, transcript } = this.#host
    if (!reply.open) {
      const nowMs = clock.monotonicMs()
      reply.firstTokenMs = nowMs
      const latencyMs = reply.turn && nowMs - reply.startedMs
      reply.open = transcript.begin({ turnId: this.#nextTurnId(), at: clock.now(), latencyMs })
      this.#host.started(reply.open)
    }
    reply.open.text += text
    this.#host.queued(spokenMs(text.length))
  }

  #turnIdOf(reply: Reply): string {
    return reply.open?.turnId ?? reply.turn?.turnId ?? ''
  }

  #nextTurnId(): string {
    return `agent-${++this.#turns}`
  }
}

function portOf(host: ReplyHost): Omit<ReplyPort, 'spoken'> {
  return {
    send: (message) => host.send(message),
    queued: (durationMs) => host.queued(durationMs),
    setLanguage: (choice) => host.setLanguage(choice),
    end: (handoffData) => host.end(handoffData),
  }
}

/** Tells an iterator that nobody reads on. What it does about that is its own affair. */
function letGo(iterator: AsyncIterator<unknown>): void {
  try {
    iterator.return?.().then(undefined, () => undefined)
  } catch {
    // as above
  }
}
