/**
 * Moments as facts have them.
 *
 * @module
 */

/** Whether what ends at `endsAt` is over at `at`. No end: it is not. An end that cannot be read: it is. */
export function isOverBy(endsAt: unknown, at: number): boolean {
  if (endsAt === null || endsAt === undefined) return false
  return !(typeof endsAt === 'number' && at < endsAt)
}
