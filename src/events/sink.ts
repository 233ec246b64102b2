/**
 * Where events go.
 *
 * @module
 */
import type { CloudEvent } from './cloud-event.js'

/** One event on its way to one sink. */
export interface EventDelivery {
  readonly event: CloudEvent
  /** Names what the event tells of, within its tenant. Events of one key come one after another, in order. */
  readonly key: string
  /** How often it has been tried, this time included. More than 1: the sink may have it already. */
  readonly tries: number
  /** Aborts when the time for this try is over. */
  readonly signal: AbortSignal
}

/**
 * A place that takes events. Deliveries of different keys come at the same time, those of one key never.
 */
export interface EventSink {
  /**
   * Hands an event on. Resolve once it is safe with the receiver: it is then forgotten here. Reject when it is not, or when that is not
   * known: it comes again later, under the same id.
   */
  deliver(delivery: EventDelivery): Promise<void>
}

/** A sink that calls a function: for a process's own bus, or a broker that has no sink here. */
export function functionSink(deliver: (event: CloudEvent, delivery: EventDelivery) => void | Promise<void>): EventSink {
  return {
    async deliver(delivery) {
      await deliver(delivery.event, delivery)
    },
  }
}
