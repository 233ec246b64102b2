/**
 * Which of a call's two numbers is the person's.
 *
 * @module
 */

/** The three facts of a call that decide it, as Twilio's webhooks name them. */
export interface CallParties {
  /** `'inbound'`, or a word that begins with `outbound` (`outbound-api`, `outbound-dial`). */
  readonly direction: string
  readonly from: string
  readonly to: string
}

const E164 = /^\+[1-9]\d{1,14}$/

/**
 * The number of the person at the other end: whoever was called on an outbound call, whoever called on an inbound one. On an
 * outbound call `From` is the seller's own number, and an opt-out on that would stop nothing.
 *
 * @returns the number, or `undefined` when it is none that could be dialled (a hidden caller, a SIP address).
 * @throws TypeError for a direction that says neither: then it is not known whom to block.
 */
export function remoteParty({ direction, from, to }: CallParties): string | undefined {
  if (direction !== 'inbound' && !direction.startsWith('outbound')) {
    throw new TypeError('direction must be "inbound" or begin with "outbound"')
  }
  const remote = direction === 'inbound' ? from : to
  return E164.test(remote) ? remote : undefined
}
