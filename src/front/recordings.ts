/**
 * Does with each finished recording what the host wants done: once, from the store's queue, and again when it fails or the process dies.
 *
 * @module
 */
import type { WorkHandler } from '../calls/work-loop.js'
import { voiceEvent } from '../events/map.js'
import type { RecordingRecord } from '../records/recording.js'
import type { NewTranscript } from '../records/transcript.js'
import type { ScheduledWork } from '../storage/queues.js'
import type { FrontContext } from './context.js'

/** What became of a recording. */
export interface ProcessedRecording {
  /** Where it was archived to, as the archive names it. */
  readonly archivedAs?: string
  /** What was said in it. */
  readonly transcript?: Pick<NewTranscript, 'source' | 'text' | 'language' | 'durationS' | 'turns' | 'segments' | 'words'> // prettier-ignore
}

/**
 * Archives, transcribes, judges. May be asked again for the same recording when it failed, or when the process died before its answer was kept;
 * after five failures the recording is marked `failed`, with no event. The signal aborts after ten minutes: another process may then be asked.
 */
export type OnRecording = (
  recording: RecordingRecord,
  options: { readonly signal: AbortSignal },
) => ProcessedRecording | undefined | Promise<ProcessedRecording | undefined>

/** Work that waits: recordings that Twilio has finished. */
export const RECORDING_QUEUE = 'recordings'

const PROCESS_LEASE_MS = 600_000
const REMEMBER_MS = 26 * 3_600_000
/** The record of a recording is written by the webhook that comes with this work, a moment before. */
const WAIT_FOR_RECORD_MS = 1000
const MAX_TRIES = 5

interface RecordingWork {
  readonly recordingSid: string
}

/** The work that a webhook leaves when it says that a recording is finished; `undefined` when it says anything else. */
export function recordingWork(
  tenantId: string,
  params: Readonly<Record<string, string>>,
  nowMs: number,
): ScheduledWork | undefined {
  const { RecordingSid: recordingSid = '', RecordingStatus: status } = params
  if (recordingSid === '' || status !== 'completed') return undefined
  const payload: RecordingWork = { recordingSid }
  const dueAt = nowMs + WAIT_FOR_RECORD_MS
  return { tenantId, workId: `recording:${recordingSid}`, queue: RECORDING_QUEUE, dueAt, payload }
}

/** The handler of {@link RECORDING_QUEUE}. */
export function recordingHandler(
  { store, clock, logger }: Pick<FrontContext, 'store' | 'clock' | 'logger'>,
  onRecording: OnRecording,
): WorkHandler {
  async function process(recording: RecordingRecord): Promise<void> {
    const { tenantId, recordingSid, callSid } = recording
    const abort = new AbortController()
    const timer = clock.setTimeout(() => abort.abort(), PROCESS_LEASE_MS)
    try {
      const { archivedAs, transcript } = (await onRecording(recording, { signal: abort.signal })) ?? {}
      let transcriptId: string | undefined
      if (transcript) {
        const { source } = transcript
        transcriptId = `${recordingSid}:${source}`
        const ready = voiceEvent('transcript.ready', { callSid, transcriptId, recordingSid, source })
        await store.putTranscript({ ...transcript, tenantId, transcriptId, callSid, recordingSid }, [ready])
      }
      const done = voiceEvent('recording.processed', {
        callSid,
        recordingSid,
        ...(transcriptId === undefined ? {} : { transcriptId }),
      })
      const status = archivedAs === undefined ? 'processed' : 'archived'
      await store.putRecording({ tenantId, recordingSid, callSid, status, ...(archivedAs === undefined ? {} : { archivedAs }) }, [done]) // prettier-ignore
    } finally {
      clock.clear(timer)
    }
  }

  return async ({ work: { tenantId, payload }, takes }) => {
    const { recordingSid } = payload as RecordingWork // only ever written by `recordingWork`
    const recording = await store.findRecording({ tenantId, recordingSid })
    if (!recording) return takes > MAX_TRIES ? 'done' : { againAt: clock.now() + WAIT_FOR_RECORD_MS * takes }
    const key = `recording-processed:${recordingSid}`
    const claimed = await store.claimKey({ tenantId, key, leaseMs: PROCESS_LEASE_MS })
    if (claimed.outcome === 'done') return 'done'
    if (claimed.outcome === 'in-progress') return { againAt: claimed.untilAt }
    try {
      await process(recording)
    } catch (error) {
      await store.abandonClaim(claimed.claim).catch(() => undefined)
      if (takes < MAX_TRIES) throw error
      const failure = { code: 'processing_failed', message: null }
      await store.putRecording({ tenantId, recordingSid, callSid: recording.callSid, status: 'failed', failure })
      logger.error('A recording could not be processed and was given up', { tenantId, recordingSid, takes, error })
      return 'done'
    }
    await store.commitClaim(claimed.claim, { keepMs: REMEMBER_MS })
    return 'done'
  }
}
