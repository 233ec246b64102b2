/**
 * The queues of work that calls leave behind.
 *
 * @module
 */

/** Webhooks that were acknowledged and wait to be taken in. */
export const WEBHOOK_QUEUE = 'calls.webhooks'
/** Attempts that are due again. */
export const RETRY_QUEUE = 'calls.retries'
/** Attempts of which nobody knows whether they became calls. */
export const RECONCILE_QUEUE = 'calls.reconcile'
