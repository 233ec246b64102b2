/**
 * How a conversation behaves in each phase of a call: named sets of settings, and where each of them goes.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import type { Interruptible } from './connect-relay.js'

/** One phase of a call. */
export interface PhaseProfile {
  /** What stops the agent. */
  readonly interruptible: Interruptible
  /** Whether the greeting can be stopped too. */
  readonly welcomeGreetingInterruptible: Interruptible
  /** How long to wait for the caller, in seconds. */
  readonly turnTimeout: number
  /** How long one turn of the agent may be, in seconds. */
  readonly agentTurnTimeout: number
  /** How much the agent shows that it listens, 0 to 1. A wish to the agent: neither vendor has such a setting. */
  readonly backchannelFrequency: number
}

/** The phases of a sales call. `coldOutreach` is the default. */
export const PHASE_PROFILES = {
  /** Let them interrupt quickly. */
  coldOutreach: {
    interruptible: 'speech',
    welcomeGreetingInterruptible: true,
    turnTimeout: 10,
    agentTurnTimeout: 45,
    backchannelFrequency: 0.4,
  },
  /** The greeting is heard out. */
  rapportBuilding: {
    interruptible: 'speech',
    welcomeGreetingInterruptible: false,
    turnTimeout: 15,
    agentTurnTimeout: 30,
    backchannelFrequency: 0.6,
  },
  /** More directed. */
  dataGathering: {
    interruptible: 'speech',
    welcomeGreetingInterruptible: true,
    turnTimeout: 12,
    agentTurnTimeout: 40,
    backchannelFrequency: 0.5,
  },
  /** Longer explanations, fewer signs of listening. */
  objectionHandling: {
    interruptible: 'speech',
    welcomeGreetingInterruptible: true,
    turnTimeout: 8,
    agentTurnTimeout: 60,
    backchannelFrequency: 0.3,
  },
  /** Quick; keys interrupt too. */
  closing: {
    interruptible: 'any',
    welcomeGreetingInterruptible: true,
    turnTimeout: 8,
    agentTurnTimeout: 25,
    backchannelFrequency: 0.5,
  },
} as const satisfies Readonly<Record<string, PhaseProfile>>

/** A profile, sorted by who can act on it. */
export interface RelayProfile {
  readonly phase: string
  /** Attributes of `<ConversationRelay>`: spread them into `conversationRelay`. */
  readonly relay: {
    readonly interruptible: Interruptible
    readonly welcomeGreetingInterruptible: Interruptible
  }
  /** Timers of the session on your server. Twilio has no such attribute. */
  readonly session: {
    /** Silence of the caller after which the agent speaks again, in milliseconds. */
    readonly turnTimeoutMs: number
    /** Longest turn of the agent, in milliseconds. */
    readonly agentTurnTimeoutMs: number
  }
  /** What an agent can be told. */
  readonly agent: {
    /** ElevenLabs' `turn.turn_timeout`, in seconds. */
    readonly turnTimeoutSeconds: number
    /** For a prompt of yours. Neither vendor has such a setting. */
    readonly backchannelFrequency: number
  }
}

/**
 * Looks a phase up and sorts its settings.
 *
 * @param phase Default `coldOutreach`.
 * @param profiles Default {@link PHASE_PROFILES}; give `{ ...PHASE_PROFILES, yours: { … } }` to add to them.
 * @throws VoiceError `relay_profile_unknown` for a phase that is not there, RangeError for a profile with numbers out of bounds.
 */
export function relayProfile(
  phase = 'coldOutreach',
  profiles: Readonly<Record<string, PhaseProfile>> = PHASE_PROFILES,
): RelayProfile {
  const profile = Object.hasOwn(profiles, phase) ? profiles[phase] : undefined
  if (!profile) {
    const known = Object.keys(profiles).join(', ')
    throw new VoiceError(
      'relay_profile_unknown',
      `There is no phase ${JSON.stringify(phase.slice(0, 40))}; there are ${known}`,
    )
  }
  const { interruptible, welcomeGreetingInterruptible, turnTimeout, agentTurnTimeout, backchannelFrequency } = profile
  if (!(turnTimeout > 0) || !(agentTurnTimeout > 0)) {
    throw new RangeError(`Phase ${phase}: turnTimeout and agentTurnTimeout are seconds above 0`)
  }
  if (!(backchannelFrequency >= 0 && backchannelFrequency <= 1)) {
    throw new RangeError(`Phase ${phase}: backchannelFrequency must be 0 to 1, and is ${backchannelFrequency}`)
  }
  return {
    phase,
    relay: { interruptible, welcomeGreetingInterruptible },
    session: { turnTimeoutMs: turnTimeout * 1000, agentTurnTimeoutMs: agentTurnTimeout * 1000 },
    agent: { turnTimeoutSeconds: turnTimeout, backchannelFrequency },
  }
}
