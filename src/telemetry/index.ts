/**
 * Metrics and traces. Nothing leaves the process unless the host reads it or hands a tracer in.
 *
 * @module
 */
export { CallMetrics } from './call-metrics.js'
export { Metrics, type Counter, type Histogram, type Labels, type MetricSnapshot } from './metrics.js'
export { withinSpan, type Span, type SpanAttributes, type Tracer } from './tracer.js'
