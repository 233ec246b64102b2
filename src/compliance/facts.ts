/**
 * Everything that a decision is made from. Gathered by {@link createGate} through ports, or by the host by hand.
 *
 * @module
 */
import type { CallPurpose, ConsentRecord } from '../records/consent.js'
import type { DoNotCallAnswer } from '../records/do-not-call.js'
import type { CampaignCount } from './abandonment.js'
import type { LineType, PostalCodeLocation, ReassignedAnswer } from './ports.js'

/** What is known from do-not-call lists. */
export interface DoNotCallFacts {
  /** The national registry. `null`: not asked, or the copy does not cover the number. */
  readonly national: DoNotCallAnswer | null
  /** Lists that states keep themselves, by state code. A state that is missing was not asked. */
  readonly states: Readonly<Record<string, DoNotCallAnswer>>
  /** The number is on the seller's own list. */
  readonly isInternal: boolean
}

/** How a campaign has done over the last 30 days. */
export interface CampaignFacts extends CampaignCount {
  readonly campaignId: string
}

/** The facts of one call that somebody would like to place. What is not known is `null`; the rules refuse what they must know. */
export interface CallFacts {
  readonly tenantId: string
  readonly leadId: string | null
  readonly sellerId: string
  /** The number to be called. Anything but E.164 is refused. */
  readonly phoneNumber: string
  /** `null` is taken for marketing. */
  readonly purpose: CallPurpose | null
  readonly consent: ConsentRecord | null
  readonly doNotCall: DoNotCallFacts | null
  /** Anything but `true` is a refusal. */
  readonly automatedCallsAllowed: boolean | null
  /** When this number was attempted, in milliseconds since 1970, in any order. `null`: not known, which is a refusal. */
  readonly attemptsAt: readonly number[] | null
  /** The attempt store has refused a place until this moment. */
  readonly attemptsRefusedUntilAt: number | null
  /** An IANA zone that was confirmed for the person. One that cannot be read is a refusal and not a reason to look further. */
  readonly timeZone: string | null
  /** Where the person's postal code is. */
  readonly postalCode: PostalCodeLocation | null
  /** The state that the person says they are in, two letters. One that does not exist is a refusal. */
  readonly state: string | null
  readonly lineType: LineType | null
  readonly reassigned: ReassignedAnswer | null
  /** The campaign that the call belongs to; `null` when it belongs to none. */
  readonly campaign: CampaignFacts | null
}
