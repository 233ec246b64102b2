/**
 * One reply on its way to the wire: tokens go out as they come, within a bound, and never in half characters.
 *
 * @module
 */
import type { HandoffData, LanguageChoice, ReplyPart, SpeechOptions } from './brain.js'
import { encodeRelayMessage, encodeTextTail, encodeToken, type TextTail } from './messages.js'

/** A longer token is sent in pieces. Twilio states no limit; what it does with a message of a megabyte is not worth finding out. */
const MAX_TOKEN_CHARS = 2000

/** What a reply needs of its session. */
export interface ReplyPort {
  send(message: string): void
  /** Text was sent. */
  spoken(text: string): void
  /** Something that cannot be estimated was queued: a sound, keys. */
  queued(durationMs: number): void
  setLanguage(choice: LanguageChoice): void
  end(handoffData: HandoffData | undefined): void
}

/** What came of a part: `ended` and `full` mean that no more is to be read. */
export type PartOutcome = 'written' | 'ended' | 'full'

const PLAIN: TextTail = encodeTextTail({ last: false })
const LAST: TextTail = encodeTextTail({ last: true })
/** A sound's length is not known here; it is waited for as if it had so many milliseconds. */
const ASSUMED_SOUND_MS = 3000
const KEY_MS = 250
const WAIT_MS = 500

/** Writes one reply. */
export class ReplyWriter {
  readonly #port: ReplyPort
  readonly #maxChars: number
  #chars = 0
  #heldHalf = ''
  #lastTail: TextTail = PLAIN
  #styled: { readonly options: SpeechOptions; readonly tail: TextTail } | undefined
  #hasText = false

  constructor(port: ReplyPort, maxChars: number) {
    this.#port = port
    this.#maxChars = maxChars
  }

  /** Characters that were sent. */
  get chars(): number {
    return this.#chars
  }

  /** @throws TypeError for a part that Twilio would refuse. */
  write(part: ReplyPart): PartOutcome {
    if (typeof part === 'string') return this.#write(part, PLAIN)
    if ('say' in part) return this.#write(part.say, this.#tailOf(part))
    if ('play' in part) {
      const { play: source, ...options } = part
      this.#port.send(encodeRelayMessage({ type: 'play', source, ...options }))
      this.#port.queued(ASSUMED_SOUND_MS)
    } else if ('sendDigits' in part) {
      this.#port.send(encodeRelayMessage({ type: 'sendDigits', digits: part.sendDigits }))
      let ms = 0
      for (const key of part.sendDigits) ms += key === 'w' ? WAIT_MS : KEY_MS
      this.#port.queued(ms)
    } else if ('language' in part) this.#port.setLanguage(part.language)
    else if ('end' in part) {
      this.finish()
      this.#port.end(part.end === true ? undefined : part.end)
      return 'ended'
    } else throw new TypeError('A part of a reply is text, say, play, sendDigits, language or end')
    return 'written'
  }

  /** Tells Twilio that no more text comes. Does nothing when there was none. */
  finish(): void {
    if (this.#heldHalf !== '') this.#send('\uFFFD', this.#lastTail) // the other half never came
    this.#heldHalf = ''
    if (this.#hasText) this.#port.send(encodeToken('', LAST))
    this.#hasText = false
  }

  #write(text: string, tail: TextTail): PartOutcome {
    if (typeof text !== 'string') throw new TypeError('A token must be text')
    let token = this.#heldHalf + text
    this.#heldHalf = ''
    this.#lastTail = tail
    const isFull = this.#chars + token.length > this.#maxChars
    if (isFull) token = wholeCharacters(token.slice(0, this.#maxChars - this.#chars))
    else if (endsInHalf(token)) {
      this.#heldHalf = token.slice(-1)
      token = token.slice(0, -1)
    }
    while (token.length > MAX_TOKEN_CHARS) {
      const piece = wholeCharacters(token.slice(0, MAX_TOKEN_CHARS))
      this.#send(piece, tail)
      token = token.slice(piece.length)
    }
    if (token !== '') this.#send(token, tail)
    return isFull ? 'full' : 'written'
  }

  #send(token: string, tail: TextTail): void {
    this.#port.send(encodeToken(token, tail))
    this.#hasText = true
    this.#chars += token.length
    this.#port.spoken(token)
  }

  /** The same options stand beside many tokens in a row; they are written out once. */
  #tailOf(part: SpeechOptions): TextTail {
    const { lang, interruptible, preemptible } = part
    const styled = this.#styled
    const isSame =
      styled?.options.lang === lang &&
      styled?.options.interruptible === interruptible &&
      styled?.options.preemptible === preemptible
    if (styled && isSame) return styled.tail
    const tail = encodeTextTail({
      last: false,
      ...(lang === undefined ? {} : { lang }),
      ...(interruptible === undefined ? {} : { interruptible }),
      ...(preemptible === undefined ? {} : { preemptible }),
    })
    this.#styled = { options: { ...part }, tail }
    return tail
  }
}

/** Whether the text ends in the first half of a character that JavaScript keeps in two. */
function endsInHalf(text: string): boolean {
  const code = text.charCodeAt(text.length - 1)
  return code >= 0xd800 && code <= 0xdbff
}

function wholeCharacters(text: string): string {
  return endsInHalf(text) ? text.slice(0, -1) : text
}
