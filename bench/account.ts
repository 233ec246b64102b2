/**
 * The account that the generator plays: of nobody, with a token that opens nothing.
 *
 * @module
 */
export const ACCOUNT_SID = `AC${'0'.repeat(32)}`
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef'
