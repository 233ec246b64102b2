/** A store in memory, a clock that stands still, and a dispatcher between the store and whatever sinks a test gives it. */
import { ManualClock } from '../../src/core/clock.js'
import type { LogFields, Logger } from '../../src/core/logger.js'
import type { CloudEvent } from '../../src/events/cloud-event.js'
import { OutboxDispatcher, type OutboxDispatcherOptions } from '../../src/events/outbox-dispatcher.js'
import type { EventDelivery, EventSink } from '../../src/events/sink.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import type { OutboxEvent } from '../../src/storage/queues.js'
import type { Store } from '../../src/storage/store.js'

export const SOURCE = 'https://voice.example.com'

/** A sink that notes what it gets and does what it is told. */
export class FakeSink implements EventSink {
  readonly taken: CloudEvent[] = []
  readonly deliveries: EventDelivery[] = []
  /** Asked for each delivery: throw, wait, or let it pass. */
  behave: (delivery: EventDelivery) => void | Promise<void> = () => undefined

  async deliver(delivery: EventDelivery): Promise<void> {
    this.deliveries.push(delivery)
    await this.behave(delivery)
    this.taken.push(delivery.event)
  }

  /** What was taken, as `subject:data.n`. */
  get order(): string[] {
    return this.taken.map(({ subject, data }) => `${subject}:${String((data as { n: number }).n)}`)
  }
}

export function setup(
  sinks: Readonly<Record<string, EventSink>>,
  over: Partial<OutboxDispatcherOptions> & { clock?: ManualClock; wrapStore?: (store: Store) => Store } = {},
) {
  const clock = over.clock ?? new ManualClock()
  const memory = createMemoryStore({ clock })
  const store = over.wrapStore?.(memory) ?? memory
  const lines: [level: string, message: string, fields: LogFields | undefined][] = []
  const log = (level: string) => (message: string, fields?: LogFields) => void lines.push([level, message, fields])
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  const parked: [OutboxEvent, string][] = []
  const make = (more: Partial<OutboxDispatcherOptions> = {}) =>
    new OutboxDispatcher({ store, sinks, source: SOURCE, clock, logger, random: () => 1, onParked: (...args) => void parked.push(args), ...over, ...more }) // prettier-ignore
  const dispatcher = make()
  /** A call that is on record, with one event `host.first` of it. */
  const addCall = (callSid: string, tenantId = 't') =>
    memory.addCall({ tenantId, callSid, direction: 'outbound', from: '+12025550199', to: '+12025550101', callStatus: 'queued' }, [{ type: 'host.first', data: { callSid, n: 1 } }]) // prettier-ignore
  const tell = (callSid: string, ...ns: number[]) =>
    memory.updateCall({ tenantId: 't', callSid, changes: {}, events: ns.map((n) => ({ type: 'host.next', data: { callSid, n } })) }) // prettier-ignore
  const pass = async (ms = 0, target = dispatcher): Promise<void> => {
    clock.advance(ms)
    target.kick()
    await target.idle()
  }
  return { clock, store: memory, dispatcher, make, lines, parked, addCall, tell, pass }
}
