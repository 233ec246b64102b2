/**
 * Which of our numbers calls: always the same one for the same lead, so that whoever calls back reaches whom they spoke to.
 *
 * @module
 */
import { createHash } from 'node:crypto'

/**
 * The number for a lead, from a pool.
 *
 * @throws TypeError for an empty pool.
 */
export function fromNumberFor(leadId: string, pool: readonly string[]): string {
  // Rendezvous: a number that joins or leaves the pool moves only the leads that it must.
  let best: { readonly number: string; readonly weight: bigint } | undefined
  for (const number of pool) {
    const weight = createHash('sha256').update(`${leadId}\n${number}`).digest().readBigUInt64BE()
    if (!best || weight > best.weight) best = { number, weight }
  }
  if (!best) throw new TypeError('There is no number to call from: give at least one')
  return best.number
}
