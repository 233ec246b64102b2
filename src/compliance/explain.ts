/**
 * A decision in sentences, for people who review it.
 *
 * @module
 */
import type { Decision, Finding } from './decision.js'

const REASONS: Readonly<Record<string, string>> = {
  malformed: 'the number is not a telephone number in international form',
  'outside-north-america': 'the number is outside +1, where other law holds',
  unassigned: 'the area code is not in service',
  'us-not-yet-active': 'the area code is assigned but not in service yet',
  canada: 'the number is Canadian, where other law holds',
  'other-country': 'the number is in another country of +1, where other law holds',
  'toll-free': 'the number is toll-free and has no place',
  premium: 'the number is a premium one',
  personal: 'the number is a personal or machine number and has no place',
  carrier: 'the number belongs to carriers',
  government: 'the number belongs to the government',
  'state-blocked': 'the policy does not call this state',
  'no-record': 'there is no consent on file for this number and seller',
  'other-number': 'the consent names another number or tenant',
  'other-seller': 'the consent names another seller',
  undated: 'the consent has no date that can be read',
  'dated-in-future': 'the consent is dated in the future',
  'purpose-not-covered': 'the consent does not cover this kind of call',
  'not-written': 'the consent is not written',
  'not-signed': 'the consent is not signed',
  'artificial-voice-not-disclosed': 'the words agreed to do not speak of an artificial voice',
  'condition-not-disclosed': 'the words agreed to do not say that agreeing is not a condition of buying',
  'number-reassigned': 'the number went to somebody else after the consent',
  expired: 'the consent has expired',
  'no-expiry': 'the consent carries no expiry date, and the policy asks for one',
  revoked: 'the consent was taken back',
  unknown: 'nobody looked the number up in the national do-not-call registry',
  national: 'the number is on the national do-not-call registry',
  stale: 'the copy of the national registry is too old, or dated in the future',
  internal: 'the person asked this seller not to call',
  'state-stale': 'the copy of the state’s own do-not-call list is too old, or dated in the future',
  'abandonment-over-limit':
    'more than 3 % of the people who answered this campaign in the last 30 days heard nothing within two seconds',
  'campaign-unreadable': 'the counts of the campaign’s calls cannot be read',
  state: 'the number is on the state’s own do-not-call list',
  'state-list-unknown': 'the state keeps a do-not-call list of its own, and nobody looked the number up there',
  'not-allowed': 'the lead is not marked as one that automated systems may call',
  'too-early': 'the day’s window has not opened on the called party’s clock',
  'too-late': 'the day’s window has closed on the called party’s clock',
  'closed-weekday': 'no calls on this weekday',
  holiday: 'no calls on this holiday',
  'holidays-unknown': 'the holidays of this year are not in the rule pack, and the state closes on holidays',
  'closed-date': 'the policy closes this date',
  'no-common-hours': 'the windows that bind have no hour in common',
  'zone-unknown': 'the time zone is not one that can be read',
  'state-unknown': 'the state that the lead names does not exist',
  'place-unreadable': 'where the number is cannot be read from the facts',
  'attempts-unknown': 'it is not known how often the number was tried',
  'attempts-unreadable': 'the list of attempts cannot be read',
  'reserved-elsewhere': 'another call has just taken the last place under a cap',
  'rule-threw': 'the rule failed while it was asked',
  'not-own-number': 'the number is not one of the house’s own',
}

/** What a reason means, as part of a sentence. A reason of a host's own rule is given back as it is. */
export function explainReason(reason: string): string {
  if (reason.startsWith('cap:')) return `the attempt cap “${reason.slice(4)}” is full`
  return REASONS[reason] ?? reason
}

/** A decision in lines: what was decided, why, when next, and on what law. Holds no number. */
export function explainDecision(decision: Decision): string {
  const lines = [
    decision.outcome === 'allow'
      ? `Allowed at ${new Date(decision.decidedAt).toISOString()}.`
      : `Refused at ${new Date(decision.decidedAt).toISOString()}.`,
  ]
  for (const finding of decision.findings) {
    if (finding.outcome === 'failed') lines.push(`- ${finding.check}: ${sentence(finding)}`)
  }
  for (const zone of decision.inputs.zones) {
    const window = zone.opensAt === null ? 'closed' : `${zone.opensAt}–${zone.closesAt ?? ''}`
    lines.push(`- ${zone.timeZone} (${zone.foundBy}): ${zone.weekday} ${zone.localTime.slice(0, 16)}, ${window}.`)
  }
  if (decision.outcome === 'refuse' && decision.nextAllowedAt !== null) {
    lines.push(`Next allowed at ${new Date(decision.nextAllowedAt).toISOString()}.`)
  }
  return lines.join('\n')
}

function sentence({ reasons, citations }: Finding): string {
  const why = reasons.map(explainReason).join('; ')
  const where = citations.map(({ cite, readOn }) => `${cite}, read ${readOn}`).join('; ')
  return where === '' ? `${why}.` : `${why} (${where}).`
}
