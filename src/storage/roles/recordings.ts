/**
 * Recordings and transcripts over a driver's rows.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../core/clock.js'
import { recordingRecord, type RecordingRecord } from '../../records/recording.js'
import { transcriptRecord, type TranscriptRecord } from '../../records/transcript.js'
import type { OutgoingEvent } from '../queues.js'
import { Shelf, type On } from '../shelf.js'
import type { RecordingStore, TranscriptStore } from '../store.js'
import { defined } from './calls.js'

/** How recordings are kept. */
export function recordingShelf(on: On): Shelf<RecordingRecord> {
  return new Shelf<RecordingRecord>(on, {
    kind: 'recordings',
    schema: recordingRecord,
    idOf: (recording) => recording.recordingSid,
    atOf: (recording) => recording.createdAt,
    keysOf: (recording) => ({ call: recording.callSid, status: recording.status }),
  })
}

/** How transcripts are kept. */
export function transcriptShelf(on: On): Shelf<TranscriptRecord> {
  return new Shelf<TranscriptRecord>(on, {
    kind: 'transcripts',
    schema: transcriptRecord,
    idOf: (transcript) => transcript.transcriptId,
    atOf: (transcript) => transcript.createdAt,
    keysOf: (transcript) => ({ call: transcript.callSid }),
  })
}

/** Recordings over a driver. */
export function recordingStore(on: On, clock: Clock): RecordingStore {
  const recordings = recordingShelf(on)
  return {
    putRecording: (given, events) => put(recordings, 'putRecording', clock.now(), given.recordingSid, given, events),
    findRecording: ({ tenantId, recordingSid }) => recordings.find('findRecording', tenantId, recordingSid),
    listRecordings: ({ tenantId, filter, ...query }) => {
      if (!filter) return recordings.page('listRecordings', tenantId, query)
      const index =
        'callSid' in filter ? { name: 'call', value: filter.callSid } : { name: 'status', value: filter.status }
      return recordings.page('listRecordings', tenantId, { ...query, index })
    },
  }
}

/** Transcripts over a driver. */
export function transcriptStore(on: On, clock: Clock): TranscriptStore {
  const transcripts = transcriptShelf(on)
  return {
    putTranscript: (given, events) => put(transcripts, 'putTranscript', clock.now(), given.transcriptId, given, events),
    findTranscript: ({ tenantId, transcriptId }) => transcripts.find('findTranscript', tenantId, transcriptId),
    listTranscripts: ({ tenantId, filter, ...query }) =>
      transcripts.page('listTranscripts', tenantId, {
        ...query,
        ...(filter && { index: { name: 'call', value: filter.callSid } }),
      }),
  }
}

/** Adds the record, or merges it into the one that is there. The vendor may tell of one recording several times, in any order. */
async function put<T extends { readonly tenantId: string; readonly createdAt: number; readonly updatedAt: number }>(
  shelf: Shelf<T>,
  operation: string,
  atMs: number,
  id: string,
  given: { readonly tenantId: string; readonly createdAt?: number },
  events: readonly OutgoingEvent[] = [],
): Promise<T> {
  const known = defined(given)
  const merge = async (): Promise<T | undefined> => {
    const place = { tenantId: given.tenantId, id, atMs, events }
    const changed = await shelf.change(operation, place, (record) => {
      const { createdAt, updatedAt } = record
      const next = shelf.parse(operation, { ...record, ...known, createdAt, updatedAt })
      return isDeepStrictEqual(next, record) ? undefined : { ...next, updatedAt: atMs }
    })
    return changed?.record
  }
  const merged = await merge()
  if (merged) return merged
  const record = shelf.parse(operation, { createdAt: atMs, ...known, updatedAt: atMs })
  if ((await shelf.add(operation, record, events)) === 'added') return record
  return (await merge()) ?? record
}
