/**
 * Tells the host how a call is getting on, in order or, as in real life, not.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'

/** What a call can report. */
export type CallProgressEvent = 'initiated' | 'ringing' | 'answered' | 'completed'

/** How callbacks misbehave, as Twilio's do now and then. */
export interface StatusCallbackFaults {
  /** Each callback but the last is overtaken by the next one. */
  readonly outOfOrder?: boolean
  /** Each callback comes twice, with the same idempotency token. */
  readonly twice?: boolean
}

export interface StatusCallbacksOptions {
  /** Which events are reported. */
  readonly events: ReadonlySet<CallProgressEvent>
  readonly faults: StatusCallbackFaults
  /** Delivers one callback. Must not reject. */
  readonly deliver: (params: Readonly<Record<string, string>>, idempotencyToken: string) => Promise<void>
}

/** The callbacks of one call. Each waits for the one before it, so that only a fault puts them out of order. */
export class StatusCallbacks {
  readonly #options: StatusCallbacksOptions
  #sequence = 0
  #held: (() => Promise<void>) | undefined
  #sending: Promise<void> = Promise.resolve()

  constructor(options: StatusCallbacksOptions) {
    this.#options = options
  }

  /** Reports an event, if it is one that is reported. The parameters are those of this moment. */
  emit(event: CallProgressEvent, params: Readonly<Record<string, string>>): void {
    const { events, faults, deliver } = this.#options
    if (!events.has(event)) return
    const all = { ...params, CallbackSource: 'call-progress-events', SequenceNumber: String(this.#sequence++) }
    const token = randomUUID()
    const send = async (): Promise<void> => {
      await deliver(all, token)
      if (faults.twice) await deliver(all, token)
    }
    if (faults.outOfOrder && !this.#held && event !== 'completed') {
      this.#held = send
      return
    }
    this.#queue(send)
    if (this.#held) this.#queue(this.#held)
    this.#held = undefined
  }

  /** Resolves when everything was delivered. */
  async settled(): Promise<void> {
    if (this.#held) this.#queue(this.#held)
    this.#held = undefined
    await this.#sending
  }

  #queue(send: () => Promise<void>): void {
    this.#sending = this.#sending.then(send)
  }
}
