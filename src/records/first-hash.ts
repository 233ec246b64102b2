/**
 * What stands before the first record of an audit chain. Apart from the schemas, so that whoever needs it loads no schema library.
 *
 * @module
 */

/** What stands before the first record of a tenant. */
export const FIRST_PREVIOUS_HASH = '0'.repeat(64)
