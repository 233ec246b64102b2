/**
 * Twilio's identifiers: two letters that say what it is, then 32 hexadecimal digits.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

/** `AC` account, `CA` call, `MZ` media stream, `VX` relay session. */
export type SidPrefix = 'AC' | 'CA' | 'MZ' | 'VX'

/** A fresh identifier. */
export function makeSid(prefix: SidPrefix): string {
  return prefix + randomBytes(16).toString('hex')
}
