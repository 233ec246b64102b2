/**
 * Who said what, and what of it was heard.
 *
 * Twilio tells what was heard in two ways: `interrupt` says it exactly when the caller cuts in, and `tokensPlayed` (when the TwiML
 * subscribes to it) as it goes. Where it says nothing, a turn that nobody cut into counts as heard.
 *
 * @module
 */

/** What the caller said or keyed. */
export interface RelayCallerTurn {
  readonly speaker: 'caller'
  readonly turnId: string
  readonly text: string
  readonly digits: string
  readonly lang: string
  /** When it was reported, in milliseconds since 1970. */
  readonly at: number
}

/** What was said to the caller, and how much of it was heard. */
export interface RelayAgentTurn {
  readonly speaker: 'agent'
  readonly turnId: string
  /** Everything that was sent. */
  readonly text: string
  /** What of it was heard. */
  readonly heardText: string
  /** Whether Twilio said what was heard. `false` where it is taken for granted. */
  readonly isHeardExact: boolean
  /** Whether it was cut short: by the caller, or by the end of the call. */
  readonly interrupted: boolean
  /** From the turn that it answers to its first token on the wire, in milliseconds; `undefined` when it answers none. */
  readonly latencyMs: number | undefined
  /** When its first token was sent, in milliseconds since 1970. */
  readonly at: number
}

/** One turn. */
export type RelayTranscriptTurn = RelayCallerTurn | RelayAgentTurn

/** An agent turn that is not over. */
export interface OpenRelayTurn {
  readonly turnId: string
  readonly at: number
  readonly latencyMs: number | undefined
  text: string
  /** No more text will come. */
  isComplete: boolean
  /** Characters other than white space that Twilio said were played; `undefined` until it says anything. */
  playedChars: number | undefined
}

/** What is looked through for an overlap. */
const MAX_OVERLAP_CHARS = 2000

/** The turns of one call. */
export class RelayTranscript {
  readonly #maxTurns: number
  readonly #onAgentTurnEnded: (turn: RelayAgentTurn) => void
  readonly #turns: RelayTranscriptTurn[] = []
  #open: OpenRelayTurn[] = []

  constructor(maxTurns: number, onAgentTurnEnded: (turn: RelayAgentTurn) => void) {
    this.#maxTurns = maxTurns
    this.#onAgentTurnEnded = onAgentTurnEnded
  }

  /** What is over, oldest first. */
  get turns(): readonly RelayTranscriptTurn[] {
    return [...this.#turns]
  }

  /** Turns that may still be heard. */
  get openTurns(): readonly OpenRelayTurn[] {
    return this.#open
  }

  addCallerTurn(turn: RelayCallerTurn): void {
    this.#add(turn)
  }

  begin(turn: Pick<OpenRelayTurn, 'turnId' | 'at' | 'latencyMs'>): OpenRelayTurn {
    const open: OpenRelayTurn = { ...turn, text: '', isComplete: false, playedChars: undefined }
    this.#open.push(open)
    return open
  }

  /** Twilio said that this text was played. */
  played(text: string): void {
    let left = solidLength(text)
    for (const turn of [...this.#open]) {
      const length = solidLength(turn.text)
      const taken = Math.min(left, length - (turn.playedChars ?? 0))
      if (taken <= 0 && left > 0) continue
      turn.playedChars = (turn.playedChars ?? 0) + taken
      left -= taken
      if (turn.isComplete && turn.playedChars >= length) this.#end(turn, turn.text, { exact: true, cut: false })
      if (left <= 0) return
    }
  }

  /** The caller cut in, having heard `heard` of what was being said. @returns The turns that this ended, oldest first. */
  interrupt(heard: string): RelayAgentTurn[] {
    const open = this.#open
    if (open.length === 0) this.#amend(heard)
    const at = heard.trim() === '' ? -1 : open.findIndex(({ text }) => share(text, heard))
    let left = heard
    return open.map((turn, index) => {
      if (at < 0) {
        // Nothing that was sent begins so. What was played is known, or what was heard ends with it, or Twilio is believed.
        if (index > 0) return this.#end(turn, '', { exact: heard.trim() !== '' || turn.text === '', cut: true })
        const length = turn.playedChars ?? overlap(heard, turn.text)
        const heardText = length > 0 || heard.trim() === '' ? beginning(turn.text, length) : heard.trim()
        return this.#end(turn, heardText, { exact: true, cut: true })
      }
      if (index < at) return this.#end(turn, turn.text, { exact: true, cut: false })
      const heardText = beginning(turn.text, solidLength(left))
      left = afterSolid(left, solidLength(heardText))
      const isWhole = turn.isComplete && solidLength(heardText) >= solidLength(turn.text)
      return this.#end(turn, isWhole ? turn.text : heardText, { exact: true, cut: !isWhole })
    })
  }

  /** Nothing is being spoken any more: what is complete was heard. */
  completeSpoken(): void {
    for (const turn of this.#open.filter(({ isComplete }) => isComplete)) {
      this.#end(turn, turn.text, { exact: false, cut: false })
    }
  }

  /** The call is over. `wasSpeaking`: in the middle of what was being spoken. */
  close(wasSpeaking: boolean): void {
    for (const turn of [...this.#open]) {
      if (turn.playedChars !== undefined)
        this.#end(turn, beginning(turn.text, turn.playedChars), { exact: true, cut: true })
      else this.#end(turn, wasSpeaking ? '' : turn.text, { exact: false, cut: wasSpeaking })
    }
  }

  #end(turn: OpenRelayTurn, heardText: string, { exact, cut }: { exact: boolean; cut: boolean }): RelayAgentTurn {
    this.#open = this.#open.filter((other) => other !== turn)
    const { turnId, at, latencyMs, text } = turn
    const ended: RelayAgentTurn = {
      speaker: 'agent',
      turnId,
      text,
      heardText,
      isHeardExact: exact,
      interrupted: cut,
      latencyMs,
      at,
    }
    this.#add(ended)
    this.#onAgentTurnEnded(ended)
    return ended
  }

  /** The last turn was taken to be over, and was not: what is said takes longer than it was estimated to. */
  #amend(heard: string): void {
    const last = this.#turns.at(-1)
    if (last?.speaker !== 'agent' || last.isHeardExact || !share(last.text, heard)) return
    const heardText = beginning(last.text, solidLength(heard))
    this.#turns.splice(-1, 1, { ...last, heardText, isHeardExact: true, interrupted: true })
  }

  #add(turn: RelayTranscriptTurn): void {
    this.#turns.push(turn)
    if (this.#turns.length > this.#maxTurns) this.#turns.shift()
  }
}

/** White space is not kept alike on both sides of the wire, so text is measured without it. */
function solid(text: string): string {
  return text.replace(/\s+/g, '')
}

function solidLength(text: string): number {
  return solid(text).length
}

/** Whether one of the two texts begins with the other. */
function share(text: string, heard: string): boolean {
  const [a, b] = [solid(text), solid(heard)]
  return a !== '' && (a.startsWith(b) || b.startsWith(a))
}

/** How many characters of the beginning of `text`, white space aside, `heard` ends with: Twilio may count what came before it. */
function overlap(heard: string, text: string): number {
  const [a, b] = [solid(heard), solid(text)]
  for (let length = Math.min(a.length, b.length, MAX_OVERLAP_CHARS); length > 0; length--)
    if (a.endsWith(b.slice(0, length))) return length
  return 0
}

/** The beginning of `text` with so many characters other than white space. */
function beginning(text: string, length: number): string {
  return text.slice(0, solidIndex(text, length)).trimEnd()
}

function afterSolid(text: string, length: number): string {
  return text.slice(solidIndex(text, length))
}

function solidIndex(text: string, length: number): number {
  let left = length
  for (let i = 0; i < text.length; i++) {
    if (left <= 0) return i
    if (!/\s/.test(text.charAt(i))) left--
  }
  return text.length
}
