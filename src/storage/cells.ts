/**
 * The rules by which a cell changes hands, for drivers that decide in this process.
 *
 * @module
 */
import type { Cell, CellSwap, CellSwapped } from './engine.js'

/** What a swap makes of the cell before. `undefined`: it is not as expected. */
export function swappedCell(
  before: CellSwapped['before'],
  { when, holder, put }: CellSwap,
  now: number,
): Cell | undefined {
  if (!isAsExpected(when, holder, before)) return undefined
  return {
    holder: put.holder,
    fence: before === undefined || before.hasRunOut ? Math.max((before?.fence ?? 0) + 1, now) : before.fence,
    untilAt: put.ttlMs === undefined ? (before?.untilAt ?? now) : now + put.ttlMs,
    record: put.record === undefined ? before?.record : put.record,
  }
}

function isAsExpected(when: CellSwap['when'], holder: string, cell: CellSwapped['before']): boolean {
  const isLive = cell !== undefined && !cell.hasRunOut
  if (when === 'any') return true
  if (when === 'free') return !isLive || cell.holder === holder
  if (when === 'held') return isLive && cell.holder === holder
  if (when === 'kept') return cell?.holder === holder
  return isLive && cell.holder !== holder
}
