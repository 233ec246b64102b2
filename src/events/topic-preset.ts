/**
 * The topics and values of call systems that publish statuses by hand: `calls.status`, keyed by Call SID.
 *
 * @module
 */
import type { CallStore } from '../storage/store.js'
import { isVoiceEvent } from './cloud-event.js'
import type { EventFormat } from './message.js'

/** What lies in `calls.status`. */
export interface CallStatusChangedValue {
  readonly eventType: 'CallStatusChanged'
  readonly callSid: string
  readonly status: string
  /** `null` where the call's record was erased. */
  readonly from: string | null
  readonly to: string | null
  /** Seconds; 0 while the call has no length. */
  readonly duration: number
  /** RFC 3339. */
  readonly timestamp: string
}

/** What lies in `recordings.processed`. */
export interface RecordingProcessedValue {
  readonly eventType: 'RecordingProcessed'
  readonly recordingSid: string
  readonly callSid: string
  readonly transcriptionId: string | null
}

/**
 * Publishes statuses as {@link CallStatusChangedValue} in `calls.status` and processed recordings as {@link RecordingProcessedValue} in
 * `recordings.processed`, both keyed by Call SID.
 *
 * The telephone numbers of a status are read from the call's record at the moment of delivery: they stand in no event, and an erased call has none.
 *
 * @param otherwise - For all other events. Default: they are not published.
 */
export function callStatusTopics(store: Pick<CallStore, 'findCall'>, otherwise?: EventFormat): EventFormat {
  return async (delivery) => {
    const { event } = delivery
    if (isVoiceEvent(event, 'call.status-changed')) {
      const { callSid, callStatus, durationS } = event.data
      const call = await store.findCall({ tenantId: event.tenantid, callSid })
      return json('calls.status', callSid, {
        eventType: 'CallStatusChanged',
        callSid,
        status: callStatus,
        from: call?.from ?? null,
        to: call?.to ?? null,
        duration: durationS ?? 0,
        timestamp: event.time,
      } satisfies CallStatusChangedValue)
    }
    if (isVoiceEvent(event, 'recording.processed')) {
      const { callSid, recordingSid, transcriptId } = event.data
      return json('recordings.processed', callSid, {
        eventType: 'RecordingProcessed',
        recordingSid,
        callSid,
        transcriptionId: transcriptId ?? null,
      } satisfies RecordingProcessedValue)
    }
    return otherwise?.(delivery)
  }
}

function json(topic: string, key: string, value: object) {
  return { topic, key, contentType: 'application/json', body: JSON.stringify(value) }
}
