/**
 * What a call costs, by the minute: an estimate from a table of the host's, never a bill.
 *
 * @module
 */
import type { CallCost } from '../records/call.js'

export interface CostOptions {
  /** Default 0.10, in {@link currency}. */
  readonly costPerMinute?: number
  /** ISO 4217. Default `USD`. */
  readonly currency?: string
  /** `'exact'` (default): to the second, two decimals. `'started-minute'`: as most carriers bill. */
  readonly rounding?: 'exact' | 'started-minute'
}

/** Length and cost of a call that lasted so many seconds. */
export function costOf(
  durationS: number,
  options: CostOptions = {},
): { readonly durationMinutes: number; readonly cost: CallCost } {
  const { costPerMinute = 0.1, currency = 'USD', rounding = 'exact' } = options
  const seconds = Math.max(0, durationS)
  const durationMinutes = rounding === 'exact' ? round(seconds / 60, 2) : Math.ceil(seconds / 60)
  // From the seconds and not from rounded minutes, or a cent is lost on the way.
  const billed = rounding === 'exact' ? seconds / 60 : durationMinutes
  return { durationMinutes, cost: { totalCost: round(billed * costPerMinute, 4), costPerMinute, currency } }
}

function round(value: number, decimals: number): number {
  const factor = 10 ** decimals
  return Math.round((value + Number.EPSILON) * factor) / factor
}
