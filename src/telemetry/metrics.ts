/**
 * Counters and histograms of our own, small enough to be always on, and two ways to read them: Prometheus text and JSON.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/ (read 2026-11-27)
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'

/** Values that tell series of one metric apart. Few and from a short list: never a number, an id or a name of a person. */
export type Labels = Readonly<Record<string, string>>

/** Counts things that happen. */
export interface Counter {
  add(labels?: Labels, by?: number): void
}

/** Counts how things spread, e.g. durations. */
export interface Histogram {
  observe(value: number, labels?: Labels): void
}

/** One series, as JSON. */
export interface MetricSnapshot {
  readonly name: string
  readonly labels: Labels
  /** A counter's value; a histogram's number of observations. */
  readonly value: number
  /** A histogram's sum. */
  readonly sum?: number
}

/** Series of one metric; more are refused and counted as `callweave_metric_series_dropped_total`. */
const MAX_SERIES = 1000
const NAME = /^[a-z_][a-z0-9_]{0,127}$/
const DAY_MS = 86_400_000

interface Series {
  readonly labels: Labels
  value: number
  sum: number
  readonly buckets: number[]
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'histogram'
  readonly bounds: readonly number[]
  readonly series: Map<string, Series>
}

/** All metrics of one process or one part of it. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>()
  readonly #clock: Clock
  #dropped = 0
  #day = NaN
  readonly #today = new Map<string, number>()

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock
  }

  /**
   * The counter of that name, made if it is not there. By custom its name ends in `_total`.
   *
   * @throws TypeError for a name that Prometheus would refuse, or that a histogram has.
   */
  counter(name: string, help: string): Counter {
    const metric = this.#metric(name, help, 'counter', [])
    return {
      add: (labels = {}, by = 1) => {
        const series = this.#series(metric, labels)
        if (series) series.value += by
        this.#countToday(name, by)
      },
    }
  }

  /**
   * The histogram of that name, made if it is not there.
   *
   * @param bounds - Upper bounds of the buckets, ascending.
   */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const metric = this.#metric(name, help, 'histogram', bounds)
    return {
      observe: (value, labels = {}) => {
        const series = this.#series(metric, labels)
        if (!series) return
        series.value++
        series.sum += value
        metric.bounds.forEach((bound, i) => {
          if (value <= bound) series.buckets[i] = (series.buckets[i] ?? 0) + 1
        })
      },
    }
  }

  /** What was counted since midnight UTC, by counter. */
  today(): Readonly<Record<string, number>> {
    this.#turnPage()
    return Object.fromEntries(this.#today)
  }

  /** Every series, as plain data. */
  snapshot(): MetricSnapshot[] {
    return [...this.#metrics.values()].flatMap(({ name, kind, series }) =>
      [...series.values()].map(({ labels, value, sum }) => ({
        name,
        labels,
        value,
        ...(kind === 'histogram' ? { sum } : {}),
      })),
    )
  }

  /** Every series, as Prometheus reads it. Content type: `text/plain; version=0.0.4`. */
  toPrometheus(): string {
    const lines: string[] = []
    for (const { name, help, kind, bounds, series } of this.#metrics.values()) {
      lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${kind}`)
      for (const { labels, value, sum, buckets } of series.values()) {
        if (kind === 'counter') {
          lines.push(`${name}${labelText(labels)} ${value}`)
          continue
        }
        bounds.forEach((bound, i) => {
          lines.push(`${name}_bucket${labelText({ ...labels, le: String(bound) })} ${buckets[i] ?? 0}`)
        })
        lines.push(`${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${value}`)
        lines.push(`${name}_sum${labelText(labels)} ${sum}`, `${name}_count${labelText(labels)} ${value}`)
      }
    }
    if (this.#dropped > 0) lines.push(`callweave_metric_series_dropped_total ${this.#dropped}`)
    return `${lines.join('\n')}\n`
  }

  #metric(name: string, help: string, kind: Metric['kind'], bounds: readonly number[]): Metric {
    const found = this.#metrics.get(name)
    if (found) {
      if (found.kind !== kind) throw new TypeError(`${name} is a ${found.kind}`)
      return found
    }
    if (!NAME.test(name)) throw new TypeError(`A metric's name has small letters, digits and _ only: "${name}"`)
    const metric: Metric = { name, help, kind, bounds: [...bounds], series: new Map() }
    this.#metrics.set(name, metric)
    return metric
  }

  #series(metric: Metric, labels: Labels): Series | undefined {
    const key = labelText(labels)
    let series = metric.series.get(key)
    if (!series) {
      if (metric.series.size >= MAX_SERIES) {
        this.#dropped++
        return undefined
      }
      series = { labels: { ...labels }, value: 0, sum: 0, buckets: [] }
      metric.series.set(key, series)
    }
    return series
  }

  #countToday(name: string, by: number): void {
    this.#turnPage()
    this.#today.set(name, (this.#today.get(name) ?? 0) + by)
  }

  #turnPage(): void {
    const day = Math.floor(this.#clock.now() / DAY_MS)
    if (day !== this.#day) this.#today.clear()
    this.#day = day
  }
}

function labelText(labels: Labels): string {
  const names = Object.keys(labels).sort()
  if (names.length === 0) return ''
  const escape = (value: string): string =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `{${names.map((name) => `${name}="${escape(labels[name] ?? '')}"`).join(',')}}`
}
