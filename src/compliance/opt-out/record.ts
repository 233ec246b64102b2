/**
 * Records that somebody does not want to be called: the one function behind every way of asking.
 *
 * The order is what makes it safe. First this process refuses the number, in memory; then the do-not-call list has it; then
 * consent is revoked; only then is anything said or done. Whatever fails on the way, each step that was done stands, and the
 * same request again completes the rest and doubles nothing. 47 CFR 64.1200(b)(3), (d)(3), (a)(10) (read 2026-11-21).
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { VoiceError } from '../../core/errors.js'
import type { ConsentStore, DoNotCallStore } from '../ports.js'
import type { OptOut, OptOutBlockList } from './block-list.js'
import type { OptOutLanguage } from './phrase-rule.js'

export interface OptOutPorts {
  readonly store: Pick<DoNotCallStore, 'addDoNotCall'> & Pick<ConsentStore, 'revokeConsent'>
  readonly blockList: OptOutBlockList
}

export interface RecordOptOutOptions {
  /** The language of the confirmation. Default `'en'`. */
  readonly language?: OptOutLanguage
}

/** A request that is stored. */
export interface OptOutRecorded {
  readonly revocationId: string
  /** `'exists'`: the same request was recorded before. */
  readonly consent: 'added' | 'exists'
  /** What to tell the person, before the call is ended at once. */
  readonly confirmation: string
}

/** What the person is told. Nothing else may be said to them after it. */
export const OPT_OUT_CONFIRMATIONS: Readonly<Record<OptOutLanguage, string>> = {
  en: 'You have been removed from our call list. We will not call you again. Goodbye.',
  es: 'Su número ha sido eliminado de nuestra lista. No volveremos a llamarle. Adiós.',
}

/**
 * What an agent is told about the tool with which it reports a request. Its handler calls {@link recordOptOut} with channel
 * `'agent-tool'`, says the confirmation, and ends the call.
 */
export const OPT_OUT_TOOL = {
  name: 'record_opt_out',
  description:
    'Call this at once, before you say anything else, whenever the person asks in any words not to be called again, to be taken off a list, or takes back their consent. Do not argue, do not ask why, do not offer anything. Then say what it returns and end the call.',
} as const

/** The key that the opening of a call names for an opt-out, unless the host chose another. */
export const OPT_OUT_KEY = '9'

const E164 = /^\+[1-9]\d{1,14}$/

/**
 * Writes do-not-call and takes consent back, for every seller and campaign of the tenant.
 *
 * @returns the confirmation, once both are stored.
 * @throws {@link VoiceError} `opt_out_not_recorded` when either could not be stored. The number stays on the block list, so
 * that this process refuses it; {@link retryOptOuts} tries again. End the call all the same, and do not tell the person that
 * it is done.
 * @throws TypeError when `phoneNumber` is no E.164 number.
 *
 * @example
 * ```ts
 * const phoneNumber = remoteParty({ direction: params.Direction, from: params.From, to: params.To })
 * if (phoneNumber) {
 *   const optOut = { tenantId, phoneNumber, channel: 'keypress', requestedAt: clock.now(), callSid: params.CallSid }
 *   const { confirmation } = await recordOptOut(optOut, { store, blockList })
 * }
 * ```
 */
export async function recordOptOut(
  optOut: OptOut,
  { store, blockList }: OptOutPorts,
  { language = 'en' }: RecordOptOutOptions = {},
): Promise<OptOutRecorded> {
  if (!E164.test(optOut.phoneNumber)) throw new TypeError('phoneNumber must be E.164')
  if (!Number.isSafeInteger(optOut.requestedAt))
    throw new TypeError('requestedAt must be whole milliseconds since 1970')
  blockList.block(optOut)
  const { tenantId, phoneNumber, channel, requestedAt, callSid = null, leadId = null, note = null } = optOut
  const revocationId = revocationIdOf(optOut)
  const doNotCall = await outcomeOf(() =>
    store.addDoNotCall({ tenantId, phoneNumber, addedAt: requestedAt, channel, leadId, callSid, note }),
  )
  // Also when the first write failed: each of the two stops calls by itself.
  const consent = await outcomeOf(() =>
    store.revokeConsent({
      tenantId,
      revocationId,
      phoneNumber,
      sellerId: null,
      revokedAt: requestedAt,
      channel,
      callSid,
    }),
  )
  if ('error' in doNotCall || 'error' in consent) {
    blockList.block(optOut) // another request of the same person may have been stored, and released it, meanwhile
    throw new VoiceError('opt_out_not_recorded', 'An opt-out could not be stored; this process blocks the number', {
      cause: 'error' in doNotCall ? doNotCall.error : 'error' in consent ? consent.error : undefined,
      details: {
        callSid,
        doNotCall: 'error' in doNotCall ? 'failed' : 'stored',
        consent: 'error' in consent ? 'failed' : 'stored',
      },
    })
  }
  blockList.release(optOut)
  return { revocationId, consent: consent.value, confirmation: OPT_OUT_CONFIRMATIONS[language] }
}

/** Tries again whatever the store did not take. Call it when the store is back, and from time to time. */
export async function retryOptOuts(ports: OptOutPorts): Promise<{ recorded: number; failed: number }> {
  let recorded = 0
  let failed = 0
  for (const optOut of ports.blockList.pending) {
    const outcome = await outcomeOf(() => recordOptOut(optOut, ports))
    if ('error' in outcome) failed++
    else recorded++
  }
  return { recorded, failed }
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}

/** The same request gives the same id, so that a store can tell it is there already. */
function revocationIdOf({ tenantId, phoneNumber, channel, requestedAt }: OptOut): string {
  const text = JSON.stringify([tenantId, phoneNumber, channel, requestedAt])
  return `opt-out-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}
