/**
 * The few members that we need of an OpenTelemetry tracer. `@opentelemetry/api` fits as it is; nothing of it is loaded here.
 *
 * @see https://opentelemetry.io/docs/languages/js/instrumentation/ (read 2026-11-27)
 * @module
 */

/** One step of work. */
export interface Span {
  setAttribute(name: string, value: string | number | boolean): unknown
  setStatus(status: { readonly code: number; readonly message?: string }): unknown
  recordException(error: Error): void
  end(): void
}

/** Makes spans. */
export interface Tracer {
  startActiveSpan<T>(name: string, work: (span: Span) => T): T
}

/** `SpanStatusCode` of the OpenTelemetry API. */
const STATUS_OK = 1
const STATUS_ERROR = 2

/** Attributes of a span. `undefined` ones are left out. Never a telephone number as it is. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * Does something within a span, when there is a tracer.
 *
 * @param work - Is given a function that adds attributes which are known only later.
 */
export function withinSpan<T>(
  tracer: Tracer | undefined,
  name: string,
  attributes: SpanAttributes,
  work: (add: (more: SpanAttributes) => void) => Promise<T>,
): Promise<T> {
  if (!tracer) return work(() => undefined)
  return tracer.startActiveSpan(name, async (span) => {
    const add = (more: SpanAttributes): void => {
      for (const [key, value] of Object.entries(more)) if (value !== undefined) span.setAttribute(key, value)
    }
    try {
      add(attributes)
      const result = await work(add)
      span.setStatus({ code: STATUS_OK })
      return result
    } catch (error) {
      // The message of a foreign error can hold anything; only its name is told.
      const known = error instanceof Error ? error.name : 'Error'
      span.recordException(Object.assign(new Error(known), { name: known }))
      span.setStatus({ code: STATUS_ERROR, message: known })
      throw error
    } finally {
      span.end()
    }
  })
}
