import type { OutboxEvent, OutboxStore } from '../../src/storage/queues.js'

/** Takes every event that waits in a store, first to go out first. */
export async function takeWaiting(
  store: Pick<OutboxStore, 'takeEvents' | 'ackEvent'>,
  tenantId: string,
): Promise<OutboxEvent[]> {
  const events: OutboxEvent[] = []
  for (;;) {
    const [taken] = await store.takeEvents({ tenantId, limit: 1, visibilityMs: 1000 })
    if (!taken) return events
    events.push(taken.event)
    await store.ackEvent(taken.receipt)
  }
}
