/**
 * Twilio's identifiers: two letters that say what it is, then 32 hexadecimal digits.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

/** `AC` account, `CA` call, `MZ` media stream, `VX` relay session, `RE` recording. */
export type SidPrefix = 'AC' | 'CA' | 'MZ' | 'VX' | 'RE'

/** A fresh identifier. */
export function makeSid(prefix: SidPrefix): string {
  return prefix + randomBytes(16).toString('hex')
}
