/**
 * The table of figures: what was reached, what was to be reached, and whether it was.
 *
 * @module
 */

/** One row. */
export interface Figure {
  readonly what: string
  /** As it was measured, with its unit and spread. */
  readonly reached: string
  readonly target: string
  /** `stated` has no target: it is for reading the others. */
  readonly verdict: 'reached' | 'missed' | 'stated' | 'not measured'
  /** How the value came about, where the row alone would mislead. */
  readonly note?: string
}

/** A row with a verdict by comparison. A value that is not a number was not measured. */
export function figure(
  row: Omit<Figure, 'verdict'> & { readonly value: number; readonly atMost?: number; readonly atLeast?: number },
): Figure {
  const { value, atMost = Infinity, atLeast = -Infinity, ...rest } = row
  if (Number.isNaN(value)) return { ...rest, verdict: 'not measured' }
  return { ...rest, verdict: value <= atMost && value >= atLeast ? 'reached' : 'missed' }
}

export function printTable(figures: readonly Figure[]): void {
  const rows = [
    ['figure', 'reached', 'target', 'verdict'],
    ...figures.map(({ what, reached, target, verdict }) => [what, reached, target, verdict]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = rows
  console.log(line(head))
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  for (const row of body) console.log(line(row))
  for (const { what, note } of figures) if (note !== undefined) console.log(`\n${what}: ${note}`)
}

/** `0.98 (0.95 to 1.04)`: the median and the spread of some values. */
export function spread(values: readonly number[], middle: number, digits = 2): string {
  if (values.length < 2) return middle.toFixed(digits)
  return `${middle.toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`
}
