/**
 * Brains that need no model: a menu of keys, and a script for tests.
 *
 * @module
 */
import { partsOf, type RelayBrain, type RelayTurn, type ReplyContext, type ReplyPart } from './brain.js'

/** What a choice says and does: pieces in order, a function of the turn, or another menu. */
export type MenuChoice =
  readonly ReplyPart[] | ((turn: RelayTurn, context: ReplyContext) => AsyncIterable<ReplyPart>) | MenuOptions

export interface MenuOptions {
  /** What the menu says. Said again after a key that chooses nothing. */
  readonly prompt: string
  /** By key: `0`–`9`, `*`, `#`. */
  readonly choices: Readonly<Record<string, MenuChoice>>
  /** Words that choose as a key does, in lower case: `{ '1': ['appointment', 'book'] }`. Default: none, speech gets the prompt again. */
  readonly words?: Readonly<Record<string, readonly string[]>>
  /** Said before the prompt when a key chooses nothing. Default: `That is not one of the choices.` */
  readonly invalid?: string
  /** So many times in a row, and the session ends. Default 3. */
  readonly maxInvalid?: number
  /** Said before it ends. Default: `Goodbye.` */
  readonly goodbye?: string
}

/**
 * A menu of keys as a brain. Each key counts at once. It greets by itself when the session has `greetsFirst`; with a
 * `welcomeGreeting` in the TwiML, let that hold the prompt.
 *
 * @throws TypeError for a choice under something that is no key.
 *
 * @example
 * ```ts
 * const brain = menuBrain({
 *   prompt: 'For an appointment press 1. To be removed from our list press 3.',
 *   choices: { 1: bookAppointment, 3: ['You are off the list. Goodbye.', { end: { reasonCode: 'opt-out' } }] },
 * })
 * ```
 */
export function menuBrain(options: MenuOptions): RelayBrain {
  checkKeys(options)
  let menu = options
  let invalid = 0
  return {
    digitPauseMs: 0,
    async *respond(turn, context) {
      if (turn.source === 'start' || turn.source === 'silence') {
        yield menu.prompt
        return
      }
      const key = turn.source === 'digits' ? turn.digits : keyOfWords(menu, turn.text)
      const choice = key !== undefined && Object.hasOwn(menu.choices, key) ? menu.choices[key] : undefined
      if (choice === undefined) {
        if (++invalid >= (menu.maxInvalid ?? 3)) {
          yield menu.goodbye ?? 'Goodbye.'
          yield { end: { reasonCode: 'no-choice' } }
          return
        }
        yield `${menu.invalid ?? 'That is not one of the choices.'} ${menu.prompt}`
        return
      }
      invalid = 0
      if (typeof choice === 'function') yield* choice(turn, context)
      else if ('prompt' in choice) {
        menu = choice
        yield menu.prompt
      } else yield* choice
    },
  }
}

function checkKeys({ choices, words = {} }: MenuOptions): void {
  for (const key of [...Object.keys(choices), ...Object.keys(words)]) {
    if (!/^[0-9*#]$/.test(key)) throw new TypeError(`A choice of a menu is a key, 0-9, * or #, and not "${key}"`)
  }
  for (const choice of Object.values(choices)) if ('prompt' in choice) checkKeys(choice)
}

function keyOfWords({ words = {} }: MenuOptions, text: string): string | undefined {
  const said = ` ${text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, ' ')} `
  return Object.entries(words).find(([, list]) => list.some((word) => said.includes(` ${word} `)))?.[0]
}

/** One line of a script: what is expected, and what is said to it. */
export interface ScriptedRelayReply {
  /** What the caller must have said, or the keys they must have pressed. Default: anything. */
  readonly after?: string
  readonly reply: readonly ReplyPart[]
}

/**
 * A brain that says its lines one after the other, for tests.
 *
 * @returns The brain, and `problems`: a line for every turn that was not as the script says, and none when all went well.
 */
export function scriptedBrain(
  script: readonly ScriptedRelayReply[],
): RelayBrain & { readonly problems: readonly string[] } {
  const problems: string[] = []
  let turns = 0
  return {
    problems,
    respond(turn) {
      const line = script[turns++]
      if (!line) problems.push(`turn ${turns}: the script has no such line`)
      else if (line.after !== undefined && line.after !== (turn.digits || turn.text))
        problems.push(`turn ${turns}: something else was said`)
      return partsOf(line?.reply ?? [])
    },
  }
}
