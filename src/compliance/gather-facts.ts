/**
 * Loads the facts of one call through the ports. The lead's record comes from the store and never from the caller.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import type { CallPurpose, ConsentKind, ConsentRecord } from '../records/consent.js'
import type { DoNotCallAnswer } from '../records/do-not-call.js'
import type { Lead } from '../records/lead.js'
import { ABANDONMENT_WINDOW_MS } from './abandonment.js'
import type { CallFacts, CampaignFacts, DoNotCallFacts } from './facts.js'
import { findPlace } from './place.js'
import type { Policy } from './rule.js'
import type {
  AttemptStore,
  CampaignCallStore,
  ConsentStore,
  DoNotCallStore,
  LeadStore,
  LineTypes,
  NationalRegistry,
  PostalCodes,
  ReassignedNumbers,
  StateRegistries,
} from './ports.js'

/** What a store is asked. */
export type FactStore = Pick<LeadStore, 'findLead'> &
  Pick<ConsentStore, 'latestConsent'> &
  Pick<DoNotCallStore, 'findDoNotCall'> &
  Pick<AttemptStore, 'attemptsAfter'> &
  CampaignCallStore

/** Who else is asked. What is not given is not known. */
export interface FactPorts {
  /** A copy of the national registry. Default: what the lead's record says. */
  readonly national?: NationalRegistry
  /** Lists of states. Default: what the lead's record says. */
  readonly stateLists?: StateRegistries
  readonly reassigned?: ReassignedNumbers
  readonly lineTypes?: LineTypes
  readonly postalCodes?: PostalCodes
}

interface Gathering {
  readonly request: {
    readonly tenantId: string
    readonly leadId: string
    readonly sellerId: string
    readonly purpose?: CallPurpose
    readonly campaignId?: string
  }
  readonly policy: Policy
  readonly ports: FactPorts
  readonly store: FactStore
  /** Asks one port, within its time; rejects with a typed error that names it. */
  readonly ask: <T>(port: string, answer: () => T | Promise<T>) => Promise<T>
  readonly now: () => number
}

const E164 = /^\+[1-9]\d{1,14}$/
const ANY_KIND: readonly ConsentKind[] = ['express', 'express-written']

/**
 * The facts of a request.
 *
 * @throws VoiceError `compliance_lead_unknown`; `compliance_facts_unavailable` when a port fails.
 */
export async function gatherFacts(gathering: Gathering): Promise<CallFacts> {
  const { request, policy, ports, store, ask, now } = gathering
  const { tenantId, leadId, sellerId } = request
  const lead = await ask('lead store', () => store.findLead({ tenantId, leadId }))
  if (lead?.tenantId !== tenantId) {
    throw new VoiceError('compliance_lead_unknown', 'There is no such lead', { details: { leadId } })
  }
  const unasked: CallFacts = {
    tenantId,
    leadId,
    sellerId,
    phoneNumber: lead.phoneNumber,
    purpose: request.purpose ?? null,
    consent: null,
    doNotCall: null,
    automatedCallsAllowed: lead.automatedCallsAllowed,
    attemptsAt: [],
    attemptsRefusedUntilAt: null,
    timeZone: lead.timeZone,
    postalCode: null,
    state: lead.state === null ? null : lead.state.trim().toUpperCase(),
    lineType: null,
    reassigned: null,
    campaign: null,
  }
  // Nothing is on file under what is no number, and it is refused for that alone.
  const { phoneNumber } = lead
  if (!E164.test(phoneNumber)) return unasked

  const { postalCodes, lineTypes, national, reassigned } = ports
  const [consent, entry, answer, postalCode, lineType, attemptsAt, campaign] = await Promise.all([
    findConsent(gathering, phoneNumber),
    ask('do-not-call store', () => store.findDoNotCall({ tenantId, phoneNumber })),
    national && ask('national registry', () => national.findNational(phoneNumber)),
    findPostalCode(gathering, lead, postalCodes),
    lineTypes && ask('line types', () => lineTypes.findLineType(phoneNumber)),
    ask('attempt store', () => store.attemptsAfter({ tenantId, phoneNumber, afterAt: now() - policy.longestWindowMs })),
    findCampaign(gathering),
  ])
  const placed: CallFacts = {
    ...unasked,
    consent: consent ?? null,
    postalCode: postalCode ?? null,
    attemptsAt,
    campaign,
  }
  const [states, reassignedAnswer] = await Promise.all([
    findStates(gathering, placed, lead),
    reassigned && consent
      ? ask('reassigned numbers', () => reassigned.findReassigned({ phoneNumber, consentAt: consent.obtainedAt }))
      : undefined,
  ])
  const doNotCall: DoNotCallFacts = {
    national: freshest(answer, lead.doNotCall?.national ?? undefined),
    states,
    isInternal: entry !== undefined || lead.doNotCall?.isInternal === true,
  }
  return { ...placed, doNotCall, lineType: lineType ?? null, reassigned: reassignedAnswer ?? null }
}

/** The consent that would do; failing that, any, so that the finding can say what it lacks. */
async function findConsent(
  { request, store, ask }: Gathering,
  phoneNumber: string,
): Promise<ConsentRecord | undefined> {
  const { tenantId, sellerId, purpose } = request
  const find = (kinds: readonly ConsentKind[]): Promise<ConsentRecord | undefined> =>
    ask('consent store', () => store.latestConsent({ tenantId, phoneNumber, sellerId, kinds }))
  if (purpose === 'informational') return find(ANY_KIND)
  return (await find(['express-written'])) ?? find(ANY_KIND)
}

async function findCampaign({ request, store, ask, now }: Gathering): Promise<CampaignFacts | null> {
  const { tenantId, campaignId } = request
  if (campaignId === undefined) return null
  const sinceAt = now() - ABANDONMENT_WINDOW_MS + 1
  const [answered, abandoned] = await Promise.all([
    ask('call store', () => store.countCalls({ tenantId, filter: { answeredCampaignId: campaignId }, sinceAt })),
    ask('call store', () => store.countCalls({ tenantId, filter: { abandonedCampaignId: campaignId }, sinceAt })),
  ])
  return { campaignId, answered, abandoned }
}

async function findPostalCode(
  { ask }: Gathering,
  { postalCode }: Lead,
  postalCodes: PostalCodes | undefined,
): Promise<CallFacts['postalCode'] | undefined> {
  if (!postalCodes || postalCode === null) return undefined
  return ask('postal codes', () => postalCodes.findPostalCode(postalCode))
}

async function findStates(
  { policy, ports: { stateLists }, ask }: Gathering,
  facts: CallFacts,
  lead: Lead,
): Promise<Record<string, DoNotCallAnswer>> {
  const states: Record<string, DoNotCallAnswer> = { ...lead.doNotCall?.states }
  if (!stateLists) return states
  const { phoneNumber } = facts
  await Promise.all(
    findPlace(facts, policy).jurisdictions.map(async ({ policy: { state, needsOwnList } }) => {
      if (!needsOwnList) return
      const answer = freshest(
        await ask('state lists', () => stateLists.findState({ phoneNumber, state })),
        states[state],
      )
      if (answer) states[state] = answer
    }),
  )
  return states
}

/** Of two answers, that of the newer copy. */
function freshest(a: DoNotCallAnswer | undefined, b: DoNotCallAnswer | undefined): DoNotCallAnswer | null {
  if (!a || !b) return a ?? b ?? null
  return a.copiedAt >= b.copiedAt ? a : b
}
